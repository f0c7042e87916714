/* merge.c: directions merged element by element, dropout between layers, output held past the length; and back.
 * SPDX-License-Identifier: MIT */
#include "impl/naive/merge.h"

#include <string.h>

int naive_stands_between(const assay_problem *p)
{
    const assay_dialect *d = &p->dialect;
    return d->merge != ASSAY_MERGE_CONCAT || d->dropout > 0 || d->pad_output == ASSAY_PAD_HELD;
}

static int length_of(const assay_problem *p, const assay_args *args, int n)
{
    return args->lens ? args->lens[n] : p->t;
}

/* What dropout makes of element `at` of a layer's y. */
static float factor(const assay_problem *p, const assay_args *args, int layer, int64_t at)
{
    const float *mask = args->mask;
    if (p->dialect.dropout == 0 || layer == p->layers - 1) return 1;
    const int64_t before = (int64_t)layer * p->t * p->n * assay_output_width(p);
    return mask[before + at] * (float)(1 / (1 - p->dialect.dropout));
}

static float merged(int how, const float *forward, const float *reverse, int64_t j)
{
    switch (how) {
    case ASSAY_MERGE_SUM:
        return forward[j] + reverse[j];
    case ASSAY_MERGE_AVERAGE:
        return (forward[j] + reverse[j]) / 2;
    case ASSAY_MERGE_MULTIPLY:
        return forward[j] * reverse[j];
    default: /* side by side */
        return forward[j];
    }
}

void naive_merge(const naive_stack *s, const assay_args *args, int layer, char *kept)
{
    const assay_problem *p = s->p;
    const int64_t rows = (int64_t)p->t * p->n, width = assay_state_width(p), wide = assay_output_width(p);
    const float *part = (const float *)(kept + s->part) + layer * rows * p->directions * width;
    float *y = (float *)(kept + s->y) + layer * rows * wide;
    for (int64_t row = 0; row < rows; row++, part += p->directions * width)
        for (int64_t j = 0; assay_host_inside(p, args->lens, row) && j < wide; j++)
            y[row * wide + j] =
                merged(p->dialect.merge, part, part + width, j) * factor(p, args, layer, row * wide + j);
}

/* All that is given of element j of y at (t, n), a step inside the length. */
static float upstream(const assay_problem *p, const assay_args *args, const naive_upstream *up, int t, int n, int64_t j)
{
    const int length = length_of(p, args, n);
    float sum = up->dy ? up->dy[assay_row_of(p, t, n) * up->pitch + j] : 0;
    if (t != length - 1) return sum;
    if (up->last) sum += up->last[n * assay_output_width(p) + j];
    const int held = p->dialect.pad_output == ASSAY_PAD_HELD && j < assay_state_width(p);
    for (int past = length; held && up->dy && past < p->t; past++)
        sum += up->dy[assay_row_of(p, past, n) * up->pitch + j];
    return sum;
}

/* The gradient of both parts of element j from that of y. */
static void split(int how, const float *part, int64_t width, int64_t j, float dy, float *to)
{
    switch (how) {
    case ASSAY_MERGE_SUM:
        to[j] = to[width + j] = dy;
        break;
    case ASSAY_MERGE_AVERAGE:
        to[j] = to[width + j] = dy / 2;
        break;
    case ASSAY_MERGE_MULTIPLY:
        to[j] = dy * part[width + j];
        to[width + j] = dy * part[j];
        break;
    default:
        to[j] = dy;
    }
}

naive_upstream naive_merge_back(const naive_stack *s, const assay_args *args, int layer, const char *kept,
                                const naive_upstream *up, float *to)
{
    const assay_problem *p = s->p;
    const int64_t rows = (int64_t)p->t * p->n, width = assay_state_width(p), parts = p->directions * width;
    const int64_t wide = assay_output_width(p);
    const float *part = (const float *)(kept + s->part) + layer * rows * parts;
    for (int n = 0; n < p->n; n++)
        for (int t = 0; t < length_of(p, args, n); t++) {
            const int64_t row = assay_row_of(p, t, n);
            for (int64_t j = 0; j < wide; j++) {
                const float dy = upstream(p, args, up, t, n, j) * factor(p, args, layer, row * wide + j);
                split(p->dialect.merge, part + row * parts, width, j, dy, to + row * parts);
            }
        }
    return (naive_upstream){.dy = to, .pitch = parts};
}

void naive_write_y(const assay_problem *p, const assay_args *args, const float *y)
{
    const int64_t wide = assay_output_width(p), width = assay_state_width(p), pitch = p->y_stride ? p->y_stride : wide;
    float *to = args->y;
    for (int n = 0; to && n < p->n; n++)
        for (int t = 0; t < p->t; t++) {
            const int64_t row = assay_row_of(p, t, n), length = length_of(p, args, n);
            memcpy(to + row * pitch, y + row * wide, wide * sizeof *to);
            if (t >= length && length > 0 && p->dialect.pad_output == ASSAY_PAD_HELD)
                memcpy(to + row * pitch, y + assay_row_of(p, (int)length - 1, n) * wide, width * sizeof *to);
        }
}
