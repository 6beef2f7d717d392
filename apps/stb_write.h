/** \file stb_write.h
 * stb_image_write, compiled once: in stb_write.c.
 */
#ifndef FURROW_STB_WRITE_H
#define FURROW_STB_WRITE_H

#include <stb/stb_image_write.h>

#endif
