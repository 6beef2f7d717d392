/* stb_image itself, with the formats that nothing better reads in this build. Compiled without warnings, for none of
 * what follows is ours. */
#include "decode_stb_memory.h"

#define STBI_MALLOC(bytes) furrow_stb_malloc(bytes)
#define STBI_FREE(block) furrow_stb_free(block)
#define STBI_REALLOC_SIZED(block, old_bytes, bytes) furrow_stb_realloc(block, old_bytes, bytes)
#define STBI_NO_STDIO
#define STBI_NO_GIF
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_PIC
#define STBI_NO_PNM
#ifdef FURROW_HAVE_LIBJPEG
#define STBI_NO_JPEG
#endif
#ifdef FURROW_HAVE_LIBSPNG
#define STBI_NO_PNG
#endif
#define STBI_MAX_DIMENSIONS 0x7fffffff /* the caller has checked the number of pixels */
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
