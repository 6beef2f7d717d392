/* Owns pictures of clouds. They are value noise: octaves of random numbers on a lattice, interpolated (Perlin, Hoffert,
 * "Hypertexture", 1989). */
#include "clouds.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stb_write.h"

typedef struct {
    const char *name;
    float scale;     /* pixels per cell of the coarsest noise, of 1400 rows */
    float roughness; /* how much finer noise counts */
    float stretch;   /* cells are wider than high */
} kind_t;

static const kind_t kinds[] = {
    {"fish", 420, 0.55f, 2.2f}, {"flower", 300, 0.50f, 1.0f}, {"gravel", 120, 0.60f, 1.0f}, {"sugar", 70, 0.68f, 1.3f}};

/* A random number in [0, 1) for a point of the lattice: the end of splitmix64. */
static float lattice(uint64_t seed, int64_t x, int64_t y)
{
    uint64_t z = seed + (uint64_t)x * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)y * UINT64_C(0xd1b54a32d192ed03);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (float)((z ^ z >> 31) >> 40) * 0x1p-24f;
}

static float smooth(float t)
{
    return t * t * (3 - 2 * t);
}

/* One octave: noise of cells of `cell_y` x `cell_x` pixels, times `weight`, is added. */
static void add_octave(const clouds_t *p, float *field, uint64_t seed, float cell_y, float cell_x, float weight)
{
    for (int y = 0; y < p->height; y++) {
        const float fy = (float)y / cell_y;
        const int64_t iy = (int64_t)fy;
        const float ty = smooth(fy - (float)iy);
        int64_t at = -1;
        float left = 0, right = 0;
        for (int x = 0; x < p->width; x++) {
            const float fx = (float)x / cell_x;
            const int64_t ix = (int64_t)fx;
            if (ix != at) {
                at = ix;
                left = lattice(seed, ix, iy) * (1 - ty) + lattice(seed, ix, iy + 1) * ty;
                right = lattice(seed, ix + 1, iy) * (1 - ty) + lattice(seed, ix + 1, iy + 1) * ty;
            }
            field[(size_t)y * (size_t)p->width + (size_t)x] +=
                weight * (left + (right - left) * smooth(fx - (float)ix));
        }
    }
}

static void make_noise(const clouds_t *p, float *field, uint64_t seed, const kind_t *kind, int octaves)
{
    float cell = kind->scale * (float)p->height / 1400, weight = 1, total = 0;

    memset(field, 0, (size_t)p->height * (size_t)p->width * sizeof *field);
    for (int o = 0; o < octaves; o++, weight *= kind->roughness) total += weight;
    weight = 1 / total;
    for (int o = 0; o < octaves; o++, cell /= 2, weight *= kind->roughness)
        add_octave(p, field, seed + (uint64_t)o * 7919, cell < 1 ? 1 : cell, cell < 1 ? 1 : cell * kind->stretch,
                   weight);
}

static uint8_t to_byte(float v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)lrintf(v);
}

/* Sea or land, clouds over it by their density, and the grain of the camera. Returns the part under clouds. */
static double paint(const clouds_t *p, uint64_t seed, float threshold)
{
    static const float sea[3] = {12, 38, 66}, shore[3] = {30, 78, 96}, land[3] = {92, 96, 62};
    double covered = 0;

    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const size_t i = (size_t)y * (size_t)p->width + (size_t)x;
            const float ground = p->land[i], depth = 0.8f + 0.4f * (float)y / (float)p->height;
            const float density = (p->cloud[i] - threshold) / 0.18f;
            const float cover = density <= 0 ? 0 : density >= 1 ? 1 : smooth(density);
            const float grain = 14 * (lattice(seed + 1, x, y) - 0.5f);
            covered += cover > 0.5f;
            for (int c = 0; c < 3; c++) {
                const float under = ground > 0.60f   ? land[c] * (0.6f + ground)
                                    : ground > 0.58f ? shore[c]
                                                     : sea[c] * depth;
                p->pixel[3 * i + (size_t)c] = to_byte(under + (232 + 20 * p->cloud[i] - under) * cover + grain);
            }
        }
    return covered / ((double)p->height * p->width);
}

/* A band that the satellite did not see. */
static void cut_band(const clouds_t *p, float position)
{
    for (int y = 0; y < p->height; y++) {
        const int from = (int)((position + 0.1f * (float)y / (float)p->height) * (float)p->width);
        const int to = from + p->width / 12 < p->width ? from + p->width / 12 : p->width;
        if (from < to) memset(p->pixel + 3 * ((size_t)y * (size_t)p->width + (size_t)from), 0, 3 * (size_t)(to - from));
    }
}

static double make_picture(const clouds_t *p, uint64_t seed, const kind_t *kind)
{
    static const kind_t ground = {"ground", 900, 0.5f, 1.0f};

    make_noise(p, p->cloud, seed, kind, 7);
    make_noise(p, p->land, seed + 1000003, &ground, 5);
    const double cover = paint(p, seed, 0.42f + 0.12f * lattice(seed, 1, 1));
    if (lattice(seed, 2, 2) < 0.25f) cut_band(p, lattice(seed, 3, 3));
    return cover;
}

bool clouds_open(int height, int width, clouds_t *p)
{
    const size_t pixels = (size_t)height * (size_t)width;

    *p = (clouds_t){height, width, malloc(pixels * sizeof(float)), malloc(pixels * sizeof(float)), malloc(3 * pixels)};
    return p->cloud != NULL && p->land != NULL && p->pixel != NULL;
}

void clouds_close(clouds_t *p)
{
    free(p->cloud);
    free(p->land);
    free(p->pixel);
}

bool clouds_write(clouds_t *p, uint64_t seed, int64_t index, const char *folder, double *cover, const char **kind)
{
    enum { QUALITY = 85 };
    const uint64_t own = (seed * 1000003 + (uint64_t)index) * UINT64_C(0x9e3779b97f4a7c15);
    char path[4200];

    *kind = kinds[own >> 62].name;
    *cover = make_picture(p, own, &kinds[own >> 62]);
    (void)snprintf(path, sizeof path, "%.4000s/cloud-%05" PRId64 ".jpg", folder, index);
    return stbi_write_jpg(path, p->width, p->height, 3, p->pixel, QUALITY) != 0;
}
