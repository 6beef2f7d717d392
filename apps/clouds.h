/** \file clouds.h
 * Pictures to try Furrow with: clouds over sea and land as a satellite sees them. The same for the same seed.
 */
#ifndef FURROW_CLOUDS_H
#define FURROW_CLOUDS_H

#include <stdbool.h>
#include <stdint.h>

/** Memory to make pictures of one size in. */
typedef struct clouds {
    int height, width;
    float *cloud, *land; /* [height * width], 0 to 1 */
    float *push;         /* [2 * height * width]: pixels */
    uint8_t *pixel;      /* [height * width * 3] */
} clouds_t;

/** False: out of memory; to be closed in any case. */
bool clouds_open(int height, int width, clouds_t *clouds);
void clouds_close(clouds_t *clouds);

/** Make picture `index` of `seed` and write it as a JPEG, "FOLDER/cloud-00007.jpg".
 * \param[out] cover  the part under clouds
 * \param[out] kind   of clouds: a constant string
 * \return false if it could not be written */
bool clouds_write(clouds_t *clouds, uint64_t seed, int64_t index, const char *folder, double *cover, const char **kind);

#endif
