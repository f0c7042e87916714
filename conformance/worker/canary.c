/* canary.c: the pattern, and the search for the byte that broke it.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/canary.h"

#include <string.h>

enum { PERIOD = 64 };

/* Neither zeros nor NaNs nor small integers, which are what stray writes mostly leave. */
static const unsigned char pattern[PERIOD] = {
    0xA5, 0x5B, 0xA6, 0x5C, 0xA7, 0x5D, 0xA8, 0x5E, 0xA9, 0x5F, 0xAA, 0x60, 0xAB, 0x61, 0xAC, 0x62,
    0xAD, 0x63, 0xAE, 0x64, 0xAF, 0x65, 0xB0, 0x66, 0xB1, 0x67, 0xB2, 0x68, 0xB3, 0x69, 0xB4, 0x6A,
    0xB5, 0x6B, 0xB6, 0x6C, 0xB7, 0x6D, 0xB8, 0x6E, 0xB9, 0x6F, 0xBA, 0x70, 0xBB, 0x71, 0xBC, 0x72,
    0xBD, 0x73, 0xBE, 0x74, 0xBF, 0x75, 0xC0, 0x76, 0xC1, 0x77, 0xC2, 0x78, 0xC3, 0x79, 0xC4, 0x7A};

static size_t piece(size_t n, size_t at)
{
    return n - at < PERIOD ? n - at : PERIOD;
}

void assay_canary_fill(unsigned char *slack, size_t n)
{
    for (size_t at = 0; at < n; at += PERIOD)
        memcpy(slack + at, pattern, piece(n, at));
}

/* Whole periods first: an intact slack, the usual case, is checked after every request. */
static int intact(const unsigned char *slack, size_t n)
{
    for (size_t at = 0; at < n; at += PERIOD)
        if (memcmp(slack + at, pattern, piece(n, at)) != 0) return 0;
    return 1;
}

int assay_canary_broken(const unsigned char *slack, size_t n, int in_front, size_t *at)
{
    if (intact(slack, n)) return 0;
    for (size_t k = 0; k < n; k++) {
        size_t index = in_front ? n - 1 - k : k;
        if (slack[index] == pattern[index % PERIOD]) continue;
        *at = index;
        break;
    }
    return 1;
}
