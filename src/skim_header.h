/** \file skim_header.h
 * What stands before the scan of a JPEG of the common kind: sequential, Huffman-coded, 8 bits, gray or YCbCr, all of it
 * in one scan. Work layer; local, no allocation, cannot fail.
 */
#ifndef FURROW_SKIM_HEADER_H
#define FURROW_SKIM_HEADER_H

#include "decode.h"

enum { FURROW_SKIM_COMPONENTS_MAX = 3, FURROW_SKIM_TABLES_MAX = 4 };

/** Places of its tables in the arrays below. */
typedef struct furrow_skim_component {
    int id, h, v; /* sampling factors */
    int quantizer, dc, ac;
} furrow_skim_component_t;

typedef struct furrow_skim_header {
    int64_t height, width;
    int components; /* 1 or 3; 0 before the frame header */
    furrow_skim_component_t component[FURROW_SKIM_COMPONENTS_MAX];
    struct {
        const uint8_t *factors; /* 64 in zigzag order; NULL for a table that is not there, here and below */
        bool is_wide;           /* two bytes each */
    } quantizer[FURROW_SKIM_TABLES_MAX];
    const uint8_t *dc[FURROW_SKIM_TABLES_MAX], *ac[FURROW_SKIM_TABLES_MAX]; /* 16 counts and as many symbols */
    int64_t interval;                                                       /* MCUs between restarts, 0 for none */
    bool has_jfif;
    int adobe;    /* colour transform of the Adobe marker, -1 without one */
    int64_t scan; /* where its data begin */
} furrow_skim_header_t;

/** False: the file is of another kind, or has something on which libjpeg-turbo would remark. */
bool furrow_skim_header_read(furrow_bytes_t file, furrow_skim_header_t *out);

/** Factor n of a quantizer, in zigzag order. */
unsigned furrow_skim_factor(const furrow_skim_header_t *header, int quantizer, int n);

#endif
