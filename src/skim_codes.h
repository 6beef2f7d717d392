/** \file skim_codes.h
 * Coefficients of sequential JPEGs, read by tables of Huffman codes that tell several symbols at a look (ITU-T T.81,
 * annexes C and F). Work layer; local, no allocation, cannot fail.
 */
#ifndef FURROW_SKIM_CODES_H
#define FURROW_SKIM_CODES_H

#include "decode.h"

enum {
    FURROW_SKIM_BITS = 10, /* of a look: more tell more, but from larger tables than the nearest cache holds */
    FURROW_SKIM_LOOKS = 1 << FURROW_SKIM_BITS,
    FURROW_SKIM_BLOCK_BYTES = 256, /* no block takes more: 64 symbols of 31 bits each */
    FURROW_SKIM_PADDING = 16,      /* bytes beyond what blocks take that are loaded all the same */
    FURROW_SKIM_POSITIONS = 256
};

/** A table of codes. */
typedef struct furrow_skim_book {
    uint8_t symbol[256]; /* by code */
    int32_t most[17];    /* the largest code of so many bits, -1 if there is none */
    int32_t shift[17];   /* added to a code of so many bits it gives the place of its symbol */
} furrow_skim_book_t;

/** What a look tells. A block is at place 1 before its first coefficient is read, and at n + 1 behind coefficient n in
 * zigzag order. Two coefficients are stored in any case; where there are fewer, one of them twice, or zeros where they
 * do not matter. */
typedef struct furrow_skim_look {
    int16_t value[2]; /* of coefficients; or, if `bits` is 0, a symbol and the bits of its code, 0 if it is longer */
    uint8_t to[2];    /* their places, counted from where the block is */
    uint8_t on;       /* so far the block moves on, and FURROW_SKIM_END if it ends; or what gives FURROW_SKIM_STOP */
    uint8_t bits;     /* that this takes */
} furrow_skim_look_t;

/** Bits of the place of a block: symbols are to be read one by one, because a look does not tell enough, or tells what
 * is behind the block; the block is done. */
enum { FURROW_SKIM_STOP = 64, FURROW_SKIM_END = 128 };

/** What a component's blocks are read by. */
typedef struct furrow_skim_codes {
    furrow_skim_look_t first[FURROW_SKIM_LOOKS]; /* at the beginning of a block */
    furrow_skim_look_t next[FURROW_SKIM_LOOKS];
    furrow_skim_book_t dc, ac;
} furrow_skim_codes_t;

/** From the 16 counts and the symbols of two tables in a file, of which the symbols are known to be there. Coefficients
 * but the first are let through by a look if they are up to `most` in magnitude. False: some code or symbol is not
 * allowed. */
bool furrow_skim_codes_make(furrow_skim_codes_t *codes, const uint8_t *dc, const uint8_t *ac, int most);

/** A block to be read. */
typedef struct furrow_skim_block {
    const furrow_skim_codes_t *codes;
    int16_t *to;             /* coefficients that are 0 before */
    const uint16_t *element; /* [FURROW_SKIM_POSITIONS] of them, by place; those that do not matter share one */
    const int16_t *most; /* [FURROW_SKIM_POSITIONS] by place, the largest magnitude, but for the first coefficient */
} furrow_skim_block_t;

/** A stream of bits without stuffed bytes. */
typedef struct furrow_skim_stream {
    uint64_t bits; /* from the highest one on, so many are valid: */
    unsigned count;
    const uint8_t *at; /* the byte to be loaded next; what is loaded may lie FURROW_SKIM_PADDING behind */
} furrow_skim_stream_t;

/** Bytes from `start` on of which some bit was read. */
int64_t furrow_skim_taken(const furrow_skim_stream_t *stream, const uint8_t *start);

/** Read blocks in turn; the first coefficient of each is the difference that the file has. The bytes that they can take
 * at most must be there. False: something is not as it should be. */
bool furrow_skim_blocks(furrow_skim_stream_t *stream, const furrow_skim_block_t *block, int64_t count);

#endif
