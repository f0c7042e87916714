/* worlds_weights.c: the same function of weights read in another order: gates, transposes, halves.
 * SPDX-License-Identifier: MIT */
#include "conformance/asked.h"

#include <stdio.h>
#include <string.h>

static void permute_gates(const assay_asked *a, const assay_tensor *x, const double *from, double *to)
{
    const int64_t slice = x->count / assay_gates(a->s->p->dialect.cell);
    for (int64_t e = 0; e < x->count; e++)
        to[e] = from[a->permutation[e / slice] * slice + e % slice];
}

int assay_world_gates(assay_asked *a, int variant)
{
    const assay_problem *p = a->s->p;
    const int gates = assay_gates(p->dialect.cell);
    int rest = variant, left[4] = {0, 1, 2, 3}, moved[2] = {0, 0}, count = 0;
    if (!assay_asked_is_stack(a) || gates < 2 || variant >= (gates == 4 ? 24 : 6)) return ASSAY_WORLD_LAST;
    for (int g = 0; g < gates; g++) { /* the variant-th permutation */
        const int k = rest % (gates - g);
        rest /= gates - g;
        a->permutation[g] = left[k];
        memmove(left + k, left + k + 1, (size_t)(3 - k) * sizeof *left);
    }
    for (int g = 0; g < gates; g++)
        if (a->permutation[g] != g && count++ < 2) moved[count - 1] = g;
    for (int k = 0; count && k < p->layers * p->directions * ASSAY_RNN_PARAMS; k++) {
        assay_tensor x;
        const int id = assay_tensor_id(ASSAY_PARAM, k);
        const double *from = a->given.at[id];
        double *to = k % ASSAY_RNN_PARAMS <= ASSAY_B_HH ? assay_asked_own(a, id, &x) : NULL;
        if (to) permute_gates(a, &x, from, to);
    }
    a->permuted = 1;
    if (count == 2) {
        assay_asked_say(a, "the truth with gates %s and %s swapped", assay_gate_letter(p, moved[0], 0),
                        assay_gate_letter(p, moved[1], 0));
    } else {
        size_t used = (size_t)snprintf(a->w->text, sizeof a->w->text, "the truth with gates read in the order");
        for (int g = 0; g < gates; g++)
            used += (size_t)snprintf(a->w->text + used, sizeof a->w->text - used, " %s",
                                     assay_gate_letter(p, a->permutation[g], 0));
    }
    return count ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

/* Two directions put together as [reverse, forward], in every layer. */
int assay_world_halves(assay_asked *a, int variant)
{
    const assay_problem *p = a->s->p;
    const int width = assay_state_width(p);
    if (variant > 0) return ASSAY_WORLD_LAST;
    if (!assay_asked_is_stack(a) || p->directions != 2 || p->dialect.merge != ASSAY_MERGE_CONCAT)
        return ASSAY_WORLD_NONE;
    for (int q = 2; q < 2 * p->layers; q++) {
        assay_tensor x;
        const int id = assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + ASSAY_W);
        const double *from = a->given.at[id];
        double *to = assay_asked_own(a, id, &x);
        for (int64_t e = 0; to && e < x.count; e++)
            to[e] = from[e % (2 * width) < width ? e + width : e - width];
    }
    a->halves_swapped = 1;
    assay_asked_say(a, "the truth with the directions put together as [reverse, forward]");
    return ASSAY_WORLD_MADE;
}

int assay_world_transposed(assay_asked *a, int variant)
{
    const assay_problem *p = a->s->p;
    const int32_t h = p->h;
    if (variant > 0) return ASSAY_WORLD_LAST;
    if (!assay_asked_is_stack(a) || p->proj || h < 2) return ASSAY_WORLD_NONE;
    for (int q = 0; q < p->layers * p->directions; q++) {
        assay_tensor x;
        const int id = assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + ASSAY_R);
        const double *from = a->given.at[id];
        double *to = assay_asked_own(a, id, &x);
        for (int64_t e = 0; to && e < x.count; e++) {
            const int64_t block = e / ((int64_t)h * h) * h * h, i = e % ((int64_t)h * h) / h, j = e % h;
            to[e] = from[block + j * h + i];
        }
    }
    assay_asked_say(a, "the truth with R of each gate transposed");
    return ASSAY_WORLD_MADE;
}
