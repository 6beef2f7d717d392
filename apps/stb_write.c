/* Holds stb_image_write. */
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "stb_write.h"
