/* Owns the facts about dtypes. */
#include "furrow.h"

static const struct {
    const char *name;
    char kind;
    int64_t size;
} facts[] = {
#define DTYPE_FACTS(id, text, kind, bytes) {text, kind, bytes},
    FURROW_DTYPE_LIST(DTYPE_FACTS)
#undef DTYPE_FACTS
};

int64_t furrow_dtype_size(furrow_dtype_t dtype)
{
    return facts[dtype].size;
}

const char *furrow_dtype_name(furrow_dtype_t dtype)
{
    return facts[dtype].name;
}

char furrow_dtype_kind(furrow_dtype_t dtype)
{
    return facts[dtype].kind;
}
