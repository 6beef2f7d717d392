/* Philox4x64-10, and the inverse of the normal distribution function by Wichura's AS 241. See random.h for the
 * sequence. */
#include "random.h"

#include "exact.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 10, BLOCK = 4 /* words */ };

/* Multipliers and key increments of Philox4x64, from the paper. */
#define MULTIPLIER_0 UINT64_C(0xD2E7470EE14C6C93)
#define MULTIPLIER_1 UINT64_C(0xCA5A826395121157)
#define INCREMENT_0 UINT64_C(0x9E3779B97F4A7C15)
#define INCREMENT_1 UINT64_C(0xBB67AE8584CAA73B)

static inline void philox(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4])
{
    uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint64_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < ROUNDS; round++) {
        const furrow_uint128_t a = (furrow_uint128_t)MULTIPLIER_0 * c0;
        const furrow_uint128_t b = (furrow_uint128_t)MULTIPLIER_1 * c2;

        c0 = (uint64_t)(b >> 64) ^ c1 ^ k0;
        c1 = (uint64_t)b;
        c2 = (uint64_t)(a >> 64) ^ c3 ^ k1;
        c3 = (uint64_t)a;
        k0 += INCREMENT_0;
        k1 += INCREMENT_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void furrow_philox4x64(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4])
{
    philox(counter, key, out);
}

/* A run of words; those asked for start at word[skip]. */
typedef struct chunk {
    uint64_t word[FURROW_RANDOM_CHUNK];
    int skip, count;
} chunk_t;

/* Words [first, first + count), or as many of them as fit. */
static void draw(chunk_t *chunk, uint64_t seed, int64_t first, int64_t count)
{
    const uint64_t key[2] = {seed, 0};
    uint64_t counter[4] = {(uint64_t)first / BLOCK + 1, 0, 0, 0};

    chunk->skip = (int)(first % BLOCK);
    chunk->count = FURROW_RANDOM_CHUNK - chunk->skip;
    if (count < chunk->count) chunk->count = (int)count;
    for (int i = 0; i < chunk->skip + chunk->count; i += BLOCK, counter[0]++) philox(counter, key, chunk->word + i);
}

void furrow_random_uniform_f8(uint64_t seed, int64_t first, int64_t count, double *out)
{
    chunk_t chunk;

    for (int64_t done = 0; done < count; done += chunk.count) {
        draw(&chunk, seed, first + done, count - done);
        for (int i = 0; i < chunk.count; i++)
            out[done + i] = (double)(int64_t)(chunk.word[chunk.skip + i] >> 11) * 0x1p-53;
    }
}

/* Halves [first, first + count), or as many of them as a chunk has: the number of elements made. */
static int uniform_f4(uint64_t seed, int64_t first, int64_t count, float *out)
{
    const int odd = (int)(first % 2);
    float half[2 * FURROW_RANDOM_CHUNK];
    chunk_t chunk;
    int made;

    draw(&chunk, seed, first / 2, count / 2 + 1);
    for (int i = 0; i < chunk.count; i++) {
        const uint64_t word = chunk.word[chunk.skip + i];

        half[2 * i] = (float)(int32_t)((uint32_t)word >> 8) * 0x1p-24f;
        half[2 * i + 1] = (float)(int32_t)(word >> 40) * 0x1p-24f;
    }
    made = 2 * chunk.count - odd;
    if (count < made) made = (int)count;
    memcpy(out, half + odd, (size_t)made * sizeof *out);
    return made;
}

void furrow_random_uniform_f4(uint64_t seed, int64_t first, int64_t count, float *out)
{
    for (int64_t done = 0; done < count;) done += uniform_f4(seed, first + done, count - done, out + done);
}

static inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define SIGN_BIT (UINT64_C(1) << 63)
#define FRACTION ((UINT64_C(1) << 52) - 1)
#define BITS_OF_1 (UINT64_C(0x3ff) << 52)
#define BITS_OF_2_52 (UINT64_C(0x433) << 52)
#define BITS_OF_SQRT_HALF UINT64_C(0x3fe6a09e00000000) /* about: to 20 bits */

/* |u - 0.5|, exactly, for u = (k + 0.5) 2^-53, k the top 53 bits of the word. The first of these tells the side; the
 * other 52, inverted below the middle, count the steps m away from it: (m + 0.5) 2^-53. 1 + m 2^-52 has them as its
 * fraction. */
static inline double distance(uint64_t word)
{
    const uint64_t m = ((word >> 11) ^ ((word >> 63) - 1)) & FRACTION;

    return 0.5 * (double_of(BITS_OF_1 | m) - (1 - 0x1p-53));
}

/* x with the sign of u - 0.5. */
static inline double with_side(double x, uint64_t word)
{
    return double_of(bits_of(x) | (~word & SIGN_BIT));
}

/* Natural logarithm of a normal x < 1/2: the algorithm and constants of fdlibm's e_log.c (Sun Microsystems, 1993), with
 * one form of the last sum for all x. x = 2^e m with m in sqrt(1/2) .. sqrt(2), f = m - 1, s = f / (2 + f), and
 * log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R(s^2)). */
static inline double logarithm(double x)
{
    const uint64_t shifted = bits_of(x) + (BITS_OF_1 - BITS_OF_SQRT_HALF);
    const double e = double_of(BITS_OF_2_52 | shifted >> 52) - (0x1p52 + 1023);
    const double f = double_of((shifted & FRACTION) + BITS_OF_SQRT_HALF) - 1;
    const double s = f / (2 + f), z = s * s, square = 0.5 * f * f;
    double r = 1.479819860511658591e-01;

    r = r * z + 1.531383769920937332e-01;
    r = r * z + 1.818357216161805012e-01;
    r = r * z + 2.222219843214978396e-01;
    r = r * z + 2.857142874366239149e-01;
    r = r * z + 3.999999999940941908e-01;
    r = r * z + 6.666666666666735130e-01;
    r *= z;
    return s * (square + r) + e * 1.90821492927058770002e-10 - square + f + e * 6.93147180369123816490e-01;
}

/* A quotient of two polynomials of degree 7, coefficients from the constant up. */
typedef struct rational {
    double top[8], bottom[8];
} rational_t;

static inline double polynomial(const double c[8], double x)
{
    return ((((((c[7] * x + c[6]) * x + c[5]) * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0];
}

/* The three pieces of PPND16 in AS 241 (Wichura, Applied Statistics 37, 1988, pp. 477-484). */
static const rational_t central = {
    {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
     4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3},
    {1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3, 2.1213794301586595867e+4,
     3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3}};
static const rational_t tail = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
static const rational_t far_tail = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};

#define CENTRAL_REACH 0.425 /* |u - 0.5| up to which the central piece serves */
#define TAIL_REACH 5.0      /* sqrt(-log p) up to which the near tail serves */

static inline double near_tail_value(double radius)
{
    return polynomial(tail.top, radius - 1.6) / polynomial(tail.bottom, radius - 1.6);
}

static double far_tail_value(double radius)
{
    return polynomial(far_tail.top, radius - 5) / polynomial(far_tail.bottom, radius - 5);
}

/* The elements of a chunk that lie in a tail, side by side. */
typedef struct tails {
    double radius[FURROW_RANDOM_CHUNK], value[FURROW_RANDOM_CHUNK]; /* sqrt(-log p), |z| */
    int index[FURROW_RANDOM_CHUNK];                                 /* where they come from */
    int count;
} tails_t;

/* `radius` is left holding p, the probability of the tail. */
static void collect_tails(tails_t *tails, const uint64_t *word, int count)
{
    int found = 0;

    for (int i = 0; i < count; i++) {
        const double q = distance(word[i]);

        tails->index[found] = i;
        tails->radius[found] = 0.5 - q;
        found += q > CENTRAL_REACH;
    }
    tails->count = found;
}

static void evaluate_tails(tails_t *tails)
{
    for (int i = 0; i < tails->count; i++) {
        const double radius = sqrt(-logarithm(tails->radius[i]));

        tails->radius[i] = radius;
        tails->value[i] = near_tail_value(radius);
    }
    for (int i = 0; i < tails->count; i++)
        if (tails->radius[i] > TAIL_REACH) tails->value[i] = far_tail_value(tails->radius[i]);
}

/* Each piece is one loop over all its elements, so that the compiler makes vectors of them. */
void furrow_random_normals(const uint64_t *word, int count, double *out)
{
    tails_t tails;

    for (int i = 0; i < count; i++) {
        const double q = distance(word[i]), r = 0.180625 - q * q;

        out[i] = with_side(q * polynomial(central.top, r) / polynomial(central.bottom, r), word[i]);
    }
    collect_tails(&tails, word, count);
    evaluate_tails(&tails);
    for (int i = 0; i < tails.count; i++) out[tails.index[i]] = with_side(tails.value[i], word[tails.index[i]]);
}

void furrow_random_normal_f8(uint64_t seed, int64_t first, int64_t count, double *out)
{
    chunk_t chunk;

    for (int64_t done = 0; done < count; done += chunk.count) {
        draw(&chunk, seed, first + done, count - done);
        furrow_random_normals(chunk.word + chunk.skip, chunk.count, out + done);
    }
}

void furrow_random_normal_f4(uint64_t seed, int64_t first, int64_t count, float *out)
{
    double normal[FURROW_RANDOM_CHUNK];
    chunk_t chunk;

    for (int64_t done = 0; done < count; done += chunk.count) {
        draw(&chunk, seed, first + done, count - done);
        furrow_random_normals(chunk.word + chunk.skip, chunk.count, normal);
        for (int i = 0; i < chunk.count; i++) out[done + i] = (float)normal[i];
    }
}
