/* Owns the tables by which coefficients of JPEGs are read, and the loop that does so. */
#ifdef FURROW_HAVE_LIBJPEG
#include "skim_codes.h"

#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define UNLIKELY(condition) __builtin_expect(condition, 0)

enum { BITS = FURROW_SKIM_BITS, LOOKS = FURROW_SKIM_LOOKS, STOP = FURROW_SKIM_STOP, END = FURROW_SKIM_END };
enum { CODE_BITS_MAX = 16, FULL = 64 }; /* the place of a block whose 64 coefficients were read */

/* -------------------------------------------------------------------------------------------------------- tables */

/* Figure C.2. A code of ones only is not allowed: fill bits are ones. */
static bool read_book(const uint8_t *table, furrow_skim_book_t *book)
{
    int32_t code = 0, place = 0;

    for (int bits = 1; bits <= CODE_BITS_MAX; bits++) {
        const int32_t count = table[bits - 1];
        book->shift[bits] = place - code;
        book->most[bits] = count > 0 ? code + count - 1 : -1;
        code += count;
        place += count;
        if (place > 256 || (count > 0 && code >= 1 << bits)) return false;
        code <<= 1;
    }
    memset(book->symbol, 0, sizeof book->symbol);
    memcpy(book->symbol, table + CODE_BITS_MAX, (size_t)place);
    return true;
}

/* Differences of DC have no run before them, and at most 15 bits. */
static bool is_dc(const furrow_skim_book_t *book, const uint8_t *table)
{
    int count = 0;

    for (int bits = 0; bits < CODE_BITS_MAX; bits++) count += table[bits];
    for (int i = 0; i < count; i++)
        if (book->symbol[i] > 15) return false;
    return true;
}

/* The value of `bits` bits `raw`: table F.1. */
static int extended(int raw, int bits)
{
    return bits > 0 && raw < 1 << (bits - 1) ? raw - (1 << bits) + 1 : raw;
}

/* One symbol at the beginning of a look. */
typedef struct one {
    int16_t value;
    uint8_t bits;      /* in all; 0 if that is more than those of a look, or the value may be too large */
    uint8_t code_bits; /* 0 if those alone are more */
    uint8_t on, symbol;
    bool ends; /* the block, and is no coefficient */
} one_t;

static one_t one_of(int symbol, int code_bits, int look, int most, bool is_first)
{
    const int size = symbol & 15, run = is_first ? 0 : symbol >> 4, left = BITS - code_bits - size;
    one_t one = {.code_bits = (uint8_t)code_bits, .symbol = (uint8_t)symbol};

    if (left < 0 || (!is_first && (1 << size) - 1 > most)) return one;
    one.bits = (uint8_t)(code_bits + size);
    one.ends = !is_first && size == 0 && run < 15;
    one.on = (uint8_t)(is_first || one.ends ? 0 : run + 1);
    one.value = (int16_t)extended(look >> left & ((1 << size) - 1), size);
    return one;
}

/* Of all looks. The longer a code is, the larger it is. */
static void list_ones(const furrow_skim_book_t *book, int most, bool is_first, one_t *out)
{
    int bits = 1;

    memset(out, 0, LOOKS * sizeof *out);
    for (int look = 0; look < LOOKS; look++) {
        while (bits <= BITS && look >> (BITS - bits) > book->most[bits]) bits++;
        if (bits > BITS) return;
        out[look] = one_of(book->symbol[(look >> (BITS - bits)) + book->shift[bits]], bits, look, most, is_first);
    }
}

/* One symbol of `ones`, and what there is room for of those of AC that follow: a second coefficient, and the end. */
static furrow_skim_look_t look_of(const one_t *ones, const one_t *ac, int look)
{
    furrow_skim_look_t out = {.to = {END, END}, .on = STOP | END};
    const one_t *one = &ones[look];
    int count = 0, bits = 0, on = 0;

    if (one->bits == 0) {
        out.value[0] = one->symbol;
        out.value[1] = one->code_bits;
        return out;
    }
    for (; one->bits > 0 && bits + one->bits <= BITS && (count < 2 || one->ends);
         one = &ac[look << bits & (LOOKS - 1)]) {
        bits += one->bits;
        on += one->ends ? END : one->on;
        if (one->ends) break;
        out.to[count] = (uint8_t)on;
        out.value[count++] = one->value;
    }
    if (count == 1) {
        out.to[1] = out.to[0];
        out.value[1] = out.value[0];
    }
    out.on = (uint8_t)on;
    out.bits = (uint8_t)bits;
    return out;
}

bool furrow_skim_codes_make(furrow_skim_codes_t *codes, const uint8_t *dc, const uint8_t *ac, int most)
{
    one_t of_dc[LOOKS], of_ac[LOOKS];

    if (!read_book(dc, &codes->dc) || !read_book(ac, &codes->ac) || !is_dc(&codes->dc, dc)) return false;
    list_ones(&codes->dc, most, true, of_dc);
    list_ones(&codes->ac, most, false, of_ac);
    for (int look = 0; look < LOOKS; look++) {
        codes->first[look] = look_of(of_dc, of_ac, look);
        codes->next[look] = look_of(of_ac, of_ac, look);
    }
    return true;
}

/* -------------------------------------------------------------------------------------------------------- blocks */

/* What changes from look to look; passed by value, so that it stays in registers. */
typedef struct state {
    furrow_skim_stream_t stream;
    size_t place; /* of the block; from END on it is done, and has failed if STOP is in it */
} state_t;

/* Load as many whole bytes as there is room for, without a branch: at least 56 bits are valid then. */
static ALWAYS_INLINE void refill(furrow_skim_stream_t *stream)
{
    const uint64_t word = (uint64_t)furrow_be32(stream->at) << 32 | furrow_be32(stream->at + 4);

    stream->bits |= word >> stream->count;
    stream->at += (63 - stream->count) >> 3;
    stream->count |= 56;
}

static ALWAYS_INLINE void drop(furrow_skim_stream_t *stream, unsigned bits)
{
    stream->bits <<= bits;
    stream->count -= bits;
}

/* The symbol of the next code, -1 if there is no such code. */
static int take_symbol(furrow_skim_stream_t *stream, const furrow_skim_book_t *book)
{
    for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
        const int32_t code = (int32_t)(stream->bits >> (64 - bits));
        if (code > book->most[bits]) continue;
        drop(stream, bits);
        return book->symbol[code + book->shift[bits]];
    }
    return -1;
}

static ALWAYS_INLINE int16_t take_value(furrow_skim_stream_t *stream, unsigned size)
{
    const int raw = (int)(stream->bits >> 1 >> (63 - size));

    drop(stream, size);
    return (int16_t)extended(raw, (int)size);
}

/* Store the coefficient at the place of the block; too large a one ends all. The first is but a difference yet. */
static ALWAYS_INLINE void put_value(state_t *state, const furrow_skim_block_t *block, int16_t value, bool is_first)
{
    const int most = block->most[state->place];

    block->to[block->element[state->place]] = value;
    if (!is_first && (value > most || value < -most)) state->place = STOP | END;
}

/* One symbol alone, where a look tells none, or where the block ends without a code for that. */
static NOINLINE void read_symbol(state_t *state, const furrow_skim_block_t *block, bool is_first)
{
    refill(&state->stream);
    const int symbol = take_symbol(&state->stream, is_first ? &block->codes->dc : &block->codes->ac);
    const unsigned size = (unsigned)symbol & 15, run = (unsigned)symbol >> 4;
    if (symbol < 0) {
        state->place = STOP | END;
    } else if (!is_first && size == 0 && run < 15) {
        state->place = END;
    } else {
        state->place += is_first ? 0 : run + 1;
        if (size > 0) put_value(state, block, take_value(&state->stream, size), is_first);
        if (state->place >= FULL) state->place = state->place == FULL ? END : STOP | END;
    }
    refill(&state->stream);
}

/* A coefficient of which a look tells the code, but not the value: most of what it does not tell is such. */
static ALWAYS_INLINE state_t read_value(state_t state, const furrow_skim_block_t *block, const furrow_skim_look_t *look,
                                        bool is_first)
{
    const unsigned symbol = (unsigned)look->value[0], size = symbol & 15;

    refill(&state.stream);
    drop(&state.stream, (unsigned)look->value[1]);
    state.place += is_first ? 0 : (symbol >> 4) + 1;
    put_value(&state, block, take_value(&state.stream, size), is_first);
    refill(&state.stream);
    return state;
}

static ALWAYS_INLINE state_t read_look(state_t state, const furrow_skim_block_t *block, const furrow_skim_look_t *looks,
                                       bool is_first)
{
    const furrow_skim_look_t *look = &looks[state.stream.bits >> (64 - BITS)];
    const size_t after = state.place + look->on;

    block->to[block->element[state.place + look->to[0]]] = look->value[0];
    block->to[block->element[state.place + look->to[1]]] = look->value[1];
    if (UNLIKELY((after & STOP) != 0)) {
        if (look->bits == 0 && look->value[1] > 0 && state.place + (is_first ? 0 : 16) < FULL)
            return read_value(state, block, look, is_first);
        state_t in_memory = state;
        read_symbol(&in_memory, block, is_first);
        return in_memory;
    }
    drop(&state.stream, look->bits);
    state.place = after;
    return state;
}

/* Five looks at most between refills: 50 bits. */
static ALWAYS_INLINE state_t read_block(state_t state, const furrow_skim_block_t *block)
{
    const furrow_skim_look_t *next = block->codes->next;

    state.place = 1;
    refill(&state.stream);
    state = read_look(state, block, block->codes->first, true);
    while (state.place < END) {
        state = read_look(state, block, next, false);
        if (state.place >= END) break;
        state = read_look(state, block, next, false);
        if (state.place >= END) break;
        state = read_look(state, block, next, false);
        if (state.place >= END) break;
        state = read_look(state, block, next, false);
        if (state.place >= END) break;
        refill(&state.stream);
    }
    return state;
}

bool furrow_skim_blocks(furrow_skim_stream_t *stream, const furrow_skim_block_t *block, int64_t count)
{
    state_t state = {.stream = *stream};

    for (int64_t i = 0; i < count; i++) {
        state = read_block(state, &block[i]);
        if (UNLIKELY((state.place & STOP) != 0)) return false;
    }
    *stream = state.stream;
    return true;
}

int64_t furrow_skim_taken(const furrow_skim_stream_t *stream, const uint8_t *start)
{
    return stream->at - start - (int64_t)(stream->count / 8);
}
#else
typedef int furrow_skim_codes_are_not_built_in;
#endif
