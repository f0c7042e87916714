/* canary.h: a known pattern in the slack around memory, where nobody may write.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CANARY_H
#define ASSAY_CANARY_H

#include <stddef.h>

/* Fills n bytes with the pattern. */
void assay_canary_fill(unsigned char *slack, size_t n);

/* 1 if the pattern is broken, and in *at the broken index nearest to the data: the highest where the slack lies in
 * front of it, the lowest where it lies behind. 0 if it is intact. */
int assay_canary_broken(const unsigned char *slack, size_t n, int in_front, size_t *at);

#endif
