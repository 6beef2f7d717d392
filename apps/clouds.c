/* Owns pictures of clouds. They are value noise: octaves of random numbers on a lattice, interpolated (Perlin, Hoffert,
 * "Hypertexture", 1989), read at places that slower noise has pushed about, which hides the lattice. */
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

/* So far noise is read outside of the picture, in cells. */
enum { MARGIN = 4 };

/* The lattice of one octave, of cells of `cell_y` x `cell_x` pixels. */
typedef struct {
    float cell_y, cell_x;
    int rows, columns;
    float *value;
} octave_t;

static bool make_octave(const clouds_t *p, uint64_t seed, float cell_y, float cell_x, octave_t *o)
{
    *o = (octave_t){cell_y, cell_x, (int)((float)p->height / cell_y) + 2 * MARGIN,
                    (int)((float)p->width / cell_x) + 2 * MARGIN, NULL};
    o->value = malloc((size_t)o->rows * (size_t)o->columns * sizeof *o->value);
    if (o->value == NULL) return false;
    for (int y = 0; y < o->rows; y++)
        for (int x = 0; x < o->columns; x++) o->value[y * o->columns + x] = lattice(seed, x, y);
    return true;
}

static float clamp(float v, float most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static float sample(const octave_t *o, float y, float x)
{
    const float fy = clamp(y / o->cell_y + MARGIN / 2, (float)(o->rows - 2));
    const float fx = clamp(x / o->cell_x + MARGIN / 2, (float)(o->columns - 2));
    const int iy = (int)fy, ix = (int)fx;
    const float *at = o->value + iy * o->columns + ix, *below = at + o->columns;
    const float tx = smooth(fx - (float)ix), ty = smooth(fy - (float)iy);
    const float upper = at[0] + (at[1] - at[0]) * tx, lower = below[0] + (below[1] - below[0]) * tx;

    return upper + (lower - upper) * ty;
}

/* Values of noise every `step` pixels. */
typedef struct {
    int rows, columns, step;
} grid_t;

static grid_t grid_of(const clouds_t *p, int step)
{
    if (step == 1) return (grid_t){p->height, p->width, 1};
    return (grid_t){(p->height - 1) / step + 2, (p->width - 1) / step + 2, step}; /* round the picture */
}

static size_t size_of(const grid_t *grid)
{
    return (size_t)grid->rows * (size_t)grid->columns;
}

/* `push`, or NULL: by how many pixels places are pushed about, first those of y, then those of x. */
static void add_octave(const grid_t *grid, const octave_t *octave, float weight, const float *push, float *field)
{
    const size_t count = size_of(grid);
    size_t i = 0;

    for (int y = 0; y < grid->rows; y++)
        for (int x = 0; x < grid->columns; x++, i++) {
            const float dy = push == NULL ? 0 : push[i], dx = push == NULL ? 0 : push[count + i];
            field[i] += weight * sample(octave, (float)(y * grid->step) + dy, (float)(x * grid->step) + dx);
        }
}

/* Noise of all octaves of a kind, from 0 to 1. */
static bool make_noise(const clouds_t *p, int step, uint64_t seed, const kind_t *kind, int octaves, const float *push,
                       float *field)
{
    const grid_t grid = grid_of(p, step);
    float cell = kind->scale * (float)p->height / 1400, weight = 1, total = 0;

    memset(field, 0, size_of(&grid) * sizeof *field);
    for (int o = 0; o < octaves; o++, weight *= kind->roughness) total += weight;
    weight = 1 / total;
    for (int o = 0; o < octaves; o++, cell /= 2, weight *= kind->roughness) {
        const float side = cell < 1 ? 1 : cell;
        octave_t octave;
        if (!make_octave(p, seed + (uint64_t)o * 7919, side, side * kind->stretch, &octave)) return false;
        add_octave(&grid, &octave, weight, push, field);
        free(octave.value);
    }
    return true;
}

static uint8_t to_byte(float v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)lrintf(v);
}

/* Sea or land without clouds. */
static void ground_at(const clouds_t *p, int y, size_t i, float out[3])
{
    static const float deep[3] = {9, 26, 52}, shallow[3] = {24, 70, 92}, green[3] = {58, 78, 44},
                       dry[3] = {142, 122, 84};
    const float land = (p->land[i] - 0.58f) / 0.3f, haze = 14 * (float)y / (float)p->height;
    const float coast = clamp(1 + land * 8, 1); /* 0 far out, 1 at the shore */
    const float height = clamp(land + 1.2f * (p->cloud[i] - 0.5f), 1);

    for (int c = 0; c < 3; c++)
        out[c] = haze + (land > 0 ? green[c] + (dry[c] - green[c]) * height : deep[c] + (shallow[c] - deep[c]) * coast);
}

/* Clouds over it by their density, brighter where they are thick, and the grain of the camera. Returns the part under
 * clouds. */
static double paint(const clouds_t *p, uint64_t seed, float threshold)
{
    double covered = 0;

    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const size_t i = (size_t)y * (size_t)p->width + (size_t)x;
            const float density = (p->cloud[i] - threshold) / 0.14f, cover = smooth(clamp(density, 1));
            const float white = 172 + 80 * smooth(clamp(density / 2.2f, 1)),
                        grain = 9 * (lattice(seed + 1, x, y) - 0.5f);
            float under[3];
            ground_at(p, y, i, under);
            covered += cover > 0.5f;
            for (int c = 0; c < 3; c++)
                p->pixel[3 * i + (size_t)c] = to_byte(under[c] + (white + 2 * (float)c - under[c]) * cover + grain);
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

/* Values of a grid, less 0.5, times `most`, for every pixel. */
static void expand(const clouds_t *p, const grid_t *grid, const float *value, float most, float *out)
{
    const float part = 1 / (float)grid->step;

    for (int y = 0; y < p->height; y++) {
        const float *upper = value + y / grid->step * grid->columns, *lower = upper + grid->columns;
        const float ty = (float)(y % grid->step) * part;
        for (int x = 0; x < p->width; x++) {
            const int at = x / grid->step;
            const float tx = (float)(x % grid->step) * part;
            const float a = upper[at] + (upper[at + 1] - upper[at]) * tx;
            const float b = lower[at] + (lower[at + 1] - lower[at]) * tx;
            *out++ = most * (a + (b - a) * ty - 0.5f);
        }
    }
}

/* How far places are pushed about, by noise so slow that every eighth pixel is enough of it. */
static bool make_push(const clouds_t *p, uint64_t seed, const kind_t *kind)
{
    enum { STEP = 8 };
    const kind_t slow = {"push", kind->scale * 1.3f, 0.5f, 1.0f};
    const grid_t grid = grid_of(p, STEP);
    const size_t pixels = (size_t)p->height * (size_t)p->width;
    float *const value = p->land; /* which is made later */

    for (uint64_t axis = 0; axis < 2; axis++) {
        if (!make_noise(p, STEP, seed + 11 + axis, &slow, 3, NULL, value)) return false;
        expand(p, &grid, value, 1.1f * kind->scale * (float)p->height / 1400, p->push + axis * pixels);
    }
    return true;
}

static bool make_picture(const clouds_t *p, uint64_t seed, const kind_t *kind, double *cover)
{
    static const kind_t ground = {"ground", 900, 0.5f, 1.0f};

    if (!make_push(p, seed, kind) || !make_noise(p, 1, seed, kind, 7, p->push, p->cloud) ||
        !make_noise(p, 1, seed + 1000003, &ground, 7, p->push, p->land))
        return false;
    *cover = paint(p, seed, 0.42f + 0.12f * lattice(seed, 1, 1));
    if (lattice(seed, 2, 2) < 0.25f) cut_band(p, lattice(seed, 3, 3));
    return true;
}

bool clouds_open(int height, int width, clouds_t *p)
{
    const size_t pixels = (size_t)height * (size_t)width;

    *p = (clouds_t){.height = height, .width = width};
    p->cloud = malloc(pixels * sizeof(float));
    p->land = malloc((pixels + 4 * ((size_t)height + (size_t)width)) * sizeof(float)); /* or a grid round the picture */
    p->push = malloc(2 * pixels * sizeof(float));
    p->pixel = malloc(3 * pixels);
    return p->cloud != NULL && p->land != NULL && p->push != NULL && p->pixel != NULL;
}

void clouds_close(clouds_t *p)
{
    free(p->cloud);
    free(p->land);
    free(p->push);
    free(p->pixel);
}

bool clouds_write(clouds_t *p, uint64_t seed, int64_t index, const char *folder, double *cover, const char **kind)
{
    enum { QUALITY = 85 };
    const uint64_t own = (seed * 1000003 + (uint64_t)index) * UINT64_C(0x9e3779b97f4a7c15);
    char path[4200];

    *kind = kinds[own >> 62].name;
    if (!make_picture(p, own, &kinds[own >> 62], cover)) return false;
    (void)snprintf(path, sizeof path, "%.4000s/cloud-%05" PRId64 ".jpg", folder, index);
    return stbi_write_jpg(path, p->width, p->height, 3, p->pixel, QUALITY) != 0;
}
