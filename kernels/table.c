/* Owns the choice of a kernel table. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

extern const furrow_kernels_t furrow_kernels_reference, furrow_kernels_portable;
#if defined(__x86_64__)
extern const furrow_kernels_t furrow_kernels_avx2, furrow_kernels_avx512, furrow_kernels_avx512ifma;

static bool runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static bool runs_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && runs_avx2();
}

static bool runs_avx512ifma(void)
{
    return __builtin_cpu_supports("avx512ifma") && runs_avx512();
}
#endif

static bool runs_anywhere(void)
{
    return true;
}

static const struct {
    const furrow_kernels_t *kernels;
    bool (*runs)(void);
} tables[] = {
#if defined(__x86_64__)
    {&furrow_kernels_avx512ifma, runs_avx512ifma},
    {&furrow_kernels_avx512, runs_avx512},
    {&furrow_kernels_avx2, runs_avx2},
#endif
    {&furrow_kernels_portable, runs_anywhere},
    {&furrow_kernels_reference, runs_anywhere},
};

const furrow_kernels_t *furrow_kernels_at(int i)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        if (tables[t].runs() && i-- == 0) return tables[t].kernels;
    return NULL;
}

const furrow_kernels_t *furrow_kernels(void)
{
    const char *wanted = getenv("FURROW_KERNELS");

    for (int i = 0; wanted != NULL && furrow_kernels_at(i) != NULL; i++)
        if (strcmp(wanted, furrow_kernels_at(i)->name) == 0) return furrow_kernels_at(i);
    return furrow_kernels_at(0);
}
