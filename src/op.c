/* Owns the names of the reductions. */
#include <ctype.h>
#include <string.h>

#include "furrow.h"

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

bool furrow_op_find(const char *name, furrow_op_t *op, furrow_op_t *nearest)
{
    int best = -1;

    for (furrow_op_t i = 0; i < FURROW_OP_TOTAL; i++) {
        const int d = distance(name, names[i]);
        if (strcmp(name, names[i]) == 0) {
            *op = i;
            return true;
        }
        if (nearest != NULL && (best < 0 || d < best)) {
            best = d;
            *nearest = i;
        }
    }
    return false;
}
