/* merge.h: between what the directions of a layer made and what is read of it: merged, behind a dropout mask, held.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_NAIVE_MERGE_H
#define ASSAY_NAIVE_MERGE_H

#include "impl/naive/stack.h"

/* 1: what is read of a layer is not simply what its directions made, side by side. Any thread. */
int naive_stands_between(const assay_problem *p);

/* Where it does: y of the layer from its parts, both in `kept`, for the rows inside their sequence. */
void naive_merge(const naive_stack *s, const assay_args *args, int layer, char *kept);

/* Back: the gradient of the parts, dense (T, N, D*S), written to `to`, and returned as what is given of it. */
naive_upstream naive_merge_back(const naive_stack *s, const assay_args *args, int layer, const char *kept,
                                const naive_upstream *up, float *to);

/* args->y, if wanted, from y (T, N, Y), which is 0 past the length. */
void naive_write_y(const assay_problem *p, const assay_args *args, const float *y);

#endif
