/* Owns the names of the reductions, and the search for a name. */
#include "op.h"

#include <ctype.h>
#include <string.h>

static const char *const names[] = {
#define OP_NAME(id, text) text,
    FURROW_OP_LIST(OP_NAME)
#undef OP_NAME
};

const char *furrow_op_name(furrow_op_t op)
{
    return op < FURROW_OP_TOTAL ? names[op] : "?";
}

static int least_of(int a, int b, int c)
{
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance; names longer than the longest operation by far are just far. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 31 };
    const int n = (int)strnlen(b, LONGEST);
    int row[LONGEST + 1];

    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1] != '\0' && i <= LONGEST; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int above = row[j];
            const bool differs = tolower((unsigned char)a[i - 1]) != b[j - 1]; /* MEAN is near to mean */
            row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + differs);
            diagonal = above;
        }
    }
    return row[n];
}

int furrow_find_name(const char *name, const char *const *list, int count, int *nearest)
{
    int best = -1, best_distance = 0;

    for (int i = 0; i < count; i++) {
        const int d = distance(name, list[i]);
        if (strcmp(name, list[i]) == 0) return i;
        if (best < 0 || d < best_distance) {
            best = i;
            best_distance = d;
        }
    }
    *nearest = best;
    return -1;
}

bool furrow_op_find(const char *name, furrow_op_t *op, furrow_op_t *nearest)
{
    int near = 0;
    const int at = furrow_find_name(name, names, FURROW_OP_TOTAL, &near);

    if (at >= 0)
        *op = (furrow_op_t)at;
    else if (nearest != NULL)
        *nearest = (furrow_op_t)near;
    return at >= 0;
}
