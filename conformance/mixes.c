/* mixes.c: the options as a table of factors; levels into a problem and back.
 * SPDX-License-Identifier: MIT */
#include "conformance/mixes.h"

#include "reference/tensors.h"

#include <stddef.h>
#include <string.h>

enum { RNN, LAST, EVERY, NET_CTC, XENT, CTC };
enum {
    NETS = 1 << LAST | 1 << EVERY | 1 << NET_CTC,
    STACKS = 1 << RNN | NETS,
    XENTS = 1 << LAST | 1 << EVERY | 1 << XENT,
    CTCS = 1 << NET_CTC | 1 << CTC,
    ALL = STACKS | XENTS | CTCS,
    LSTMS = 1 << ASSAY_LSTM,
    GRUS = 1 << ASSAY_GRU,
    SHORT = 1 << 2 | 1 << 3 | 1 << 4, /* levels of LENGTHS with rows that end early */
    TOO_LONG = 1 << 1 | 1 << 3        /* levels of STRINGS with one that has no alignment */
};

enum {
    KIND,
    CELL,
    BIASES,
    RESET,
    MIX,
    GATES,
    PEEPHOLE,
    COUPLED,
    CLIP,
    FORGET,
    PROJECTION,
    LAYERS,
    DIRECTIONS,
    DROPOUT,
    LENGTHS,
    PADDING,
    EMPTY,
    LAYOUT,
    SIZES,
    X_STRIDE,
    Y_STRIDE,
    STATES,
    INPUT,
    DENSE_BIAS,
    OPTIMIZER,
    XENT_REDUCTION,
    IGNORES,
    WEIGHTED,
    SMOOTHING,
    CTC_REDUCTION,
    BLANK,
    STRINGS,
    INFEASIBLE,
    CTC_VARIANT,
    FACTORS
};
_Static_assert(FACTORS == ASSAY_MIX_FACTORS, "mixes.h says how many there are");

/* Where a factor's values go: an integer of the row or of the dialect, a real of the dialect. */
typedef enum place { NOWHERE, OF_ROW, OF_DIALECT, REAL_OF_DIALECT } place;

#define ROW(field)     OF_ROW, offsetof(assay_case_row, field)
#define DIALECT(field) OF_DIALECT, offsetof(assay_dialect, field)
#define REAL(field)    REAL_OF_DIALECT, offsetof(assay_dialect, field)

/* Who has it: kinds, and where `of` isn't KIND levels of that factor, which stands before it: an option that nothing in
 * the problem would show is none. Levels beyond one field have a second, and some are no field at all (special()). */
static const struct factor {
    const char *word[ASSAY_MIX_LEVELS];
    int kinds, of, when;
    struct {
        place place;
        size_t offset;
        double value[ASSAY_MIX_LEVELS];
    } field[2];
} factors[FACTORS] = {
    [KIND] =
        {{"rnn", "network last", "network every", "network ctc", "xent", "ctc"}, ALL, KIND, 0, {{NOWHERE, 0, {0}}}},
    [CELL] = {{"lstm", "gru", "tanh", "relu"}, STACKS, KIND, 0, {{DIALECT(cell), {0, 1, 2, 3}}}},
    [BIASES] = {{"no bias", "b_ih", "two biases", "b_hh"}, STACKS, KIND, 0, {{DIALECT(biases), {0, 1, 2, 3}}}},
    [RESET] = {{"reset before", "reset after", "bias outside"}, STACKS, CELL, GRUS, {{DIALECT(gru_reset), {0, 1, 2}}}},
    [MIX] = {{"z keeps", "z updates"}, STACKS, CELL, GRUS, {{DIALECT(gru_mix), {0, 1}}}},
    [GATES] =
        {{"sigmoid", "hard a/5", "hard a/6"}, STACKS, CELL, LSTMS | GRUS, {{DIALECT(gate_activation), {0, 1, 2}}}},
    [PEEPHOLE] = {{"no peepholes", "peepholes"}, STACKS, CELL, LSTMS, {{DIALECT(peephole), {0, 1}}}},
    [COUPLED] = {{"f free", "coupled"}, STACKS, CELL, LSTMS, {{DIALECT(coupled), {0, 1}}}},
    [CLIP] = {{"unclipped", "clip cuts", "clip passes"},
              STACKS,
              CELL,
              LSTMS,
              {{REAL(cell_clip), {0, 0.4, 0.4}}, {DIALECT(clip_gradient), {0, ASSAY_CLIP_CUTS, ASSAY_CLIP_PASSES}}}},
    [FORGET] = {{"no forget offset", "forget offset"}, STACKS, CELL, LSTMS, {{REAL(forget_bias), {0, 1}}}},
    [PROJECTION] = {{"unprojected", "projected"}, STACKS, CELL, LSTMS, {{NOWHERE, 0, {0}}}},
    [LAYERS] = {{"one layer", "two layers", "three layers"}, STACKS, KIND, 0, {{ROW(layers), {1, 2, 3}}}},
    [DIRECTIONS] = {{"one direction", "joined", "summed", "averaged", "multiplied"},
                    STACKS,
                    KIND,
                    0,
                    {{ROW(directions), {1, 2, 2, 2, 2}}, {DIALECT(merge), {0, 0, 1, 2, 3}}}},
    [DROPOUT] = {{"no dropout", "dropout"}, STACKS, LAYERS, 1 << 1 | 1 << 2, {{REAL(dropout), {0, 0.25}}}},
    [PADDING] = {{"zeros behind", "held"}, 1 << RNN, LENGTHS, SHORT, {{DIALECT(pad_output), {0, 1}}}},
    [EMPTY] = {{"empty keeps", "empty zero"}, STACKS, LENGTHS, 1 << 3, {{DIALECT(empty_state), {0, 1}}}},
    [LAYOUT] = {{"time-major", "batch-major"}, ALL, KIND, 0, {{DIALECT(layout), {0, 1}}}},
    [LENGTHS] = {{"no lengths", "all full", "unsorted", "one empty", "alike"},
                 ALL,
                 KIND,
                 0,
                 {{ROW(ragged),
                   {ASSAY_ROWS_FULL, ASSAY_ROWS_FULL, ASSAY_ROWS_UNSORTED, ASSAY_ROWS_EMPTY, ASSAY_ROWS_ALIKE}}}},
    [SIZES] = {{"odd sizes", "multiples of 8", "beyond vectors"}, ALL, KIND, 0, {{NOWHERE, 0, {0}}}},
    [X_STRIDE] = {{"dense x", "gaps in x"}, ALL, KIND, 0, {{NOWHERE, 0, {0}}}},
    [Y_STRIDE] = {{"dense y", "gaps in y"}, STACKS, KIND, 0, {{NOWHERE, 0, {0}}}},
    [STATES] = {{"states", "no states", "h0 alone"}, STACKS, KIND, 0, {{NOWHERE, 0, {0}}}},
    [INPUT] = {{"x", "ids"}, NETS, KIND, 0, {{ROW(vocab), {0, 7}}}},
    [DENSE_BIAS] = {{"dense without bias", "dense with bias"}, NETS, KIND, 0, {{ROW(dense_bias), {0, 1}}}},
    [OPTIMIZER] = {{"no update", "sgd", "adam"},
                   NETS,
                   KIND,
                   0,
                   {{ROW(optimizer), {ASSAY_OPT_NONE, ASSAY_OPT_SGD, ASSAY_OPT_ADAM}}}},
    [XENT_REDUCTION] = {{"rows", "sum", "mean", "mean of all", "mean by weights", "mean by batch"},
                        XENTS,
                        KIND,
                        0,
                        {{DIALECT(xent_reduction), {0, 1, 2, 3, 4, 5}}}},
    [IGNORES] = {{"all labels", "-100 ignored", "class 2 ignored"},
                 XENTS,
                 KIND,
                 0,
                 {{DIALECT(xent_ignores), {0, 1, 1}}, {DIALECT(xent_ignore_index), {0, -100, 2}}}},
    [WEIGHTED] = {{"unweighted", "weighted"}, XENTS, KIND, 0, {{DIALECT(xent_weighted), {0, 1}}}},
    [SMOOTHING] = {{"no smoothing", "smoothing to all", "smoothing to others"},
                   XENTS,
                   KIND,
                   0,
                   {{REAL(xent_smoothing), {0, 0.1, 0.25}},
                    {DIALECT(xent_smoothing_to), {0, ASSAY_SMOOTH_ALL, ASSAY_SMOOTH_OTHERS}}}},
    [CTC_REDUCTION] = {{"samples", "sum", "mean", "mean by targets"},
                       CTCS,
                       KIND,
                       0,
                       {{DIALECT(ctc_reduction),
                         {ASSAY_REDUCE_NONE, ASSAY_REDUCE_SUM, ASSAY_REDUCE_MEAN, ASSAY_REDUCE_MEAN_TARGETS}}}},
    [BLANK] = {{"blank 0", "blank 2"}, CTCS, KIND, 0, {{DIALECT(ctc_blank), {0, 2}}}},
    [INFEASIBLE] = {{"inf", "zero"}, CTCS, STRINGS, TOO_LONG, {{DIALECT(ctc_infeasible), {0, 1}}}},
    [STRINGS] = {{"neighbours differ", "repeats, one too long", "padded", "padded, repeats, one too long"},
                 CTCS,
                 KIND,
                 0,
                 {{DIALECT(ctc_labels), {0, 0, 1, 1}}, {ROW(repeats), {-1, 2, -1, 2}}}},
    [CTC_VARIANT] = {{"logits", "log-probabilities", "PyTorch's gradient", "collapsed", "kept"},
                     CTCS,
                     KIND,
                     0,
                     {{NOWHERE, 0, {0}}}},
};

/* What CTC_VARIANT means: one of them at a time, since they are of different libraries. */
static const struct {
    int32_t input, gradient, collapse, repeats;
} variants[] = {{ASSAY_CTC_LOGITS, ASSAY_CTC_TRUE, 0, ASSAY_REPEATS_MERGED},
                {ASSAY_CTC_LOG_PROBS, ASSAY_CTC_TRUE, 0, ASSAY_REPEATS_MERGED},
                {ASSAY_CTC_LOG_PROBS, ASSAY_CTC_MINUS_SOFTMAX, 0, ASSAY_REPEATS_MERGED},
                {ASSAY_CTC_LOGITS, ASSAY_CTC_TRUE, 1, ASSAY_REPEATS_MERGED},
                {ASSAY_CTC_LOGITS, ASSAY_CTC_TRUE, 0, ASSAY_REPEATS_KEPT}};
enum { VARIANTS = sizeof variants / sizeof *variants };

int assay_mix_count(const int level[ASSAY_MIX_FACTORS], int f)
{
    const struct factor *x = &factors[f];
    int count = 0;
    if (f != KIND && !(x->kinds >> level[KIND] & 1)) return 0;
    if (x->of != KIND && (level[x->of] < 0 || !(x->when >> level[x->of] & 1))) return 0;
    while (count < ASSAY_MIX_LEVELS && x->word[count])
        count++;
    return count;
}

int assay_mix_group(const int level[ASSAY_MIX_FACTORS])
{
    return level[KIND] == XENT ? 1 : level[KIND] == CTC ? 2 : 0;
}

const char *assay_mix_print(int f, int level)
{
    return factors[f].word[level];
}

/* ---- levels into a problem ---- */

static void put_fields(const struct factor *x, int level, assay_case_row *row, assay_dialect *d)
{
    for (int k = 0; k < 2; k++) {
        const size_t at = x->field[k].offset;
        const double value = x->field[k].value[level];
        if (x->field[k].place == OF_ROW) *(int32_t *)((char *)row + at) = (int32_t)value;
        if (x->field[k].place == OF_DIALECT) *(int32_t *)((char *)d + at) = (int32_t)value;
        if (x->field[k].place == REAL_OF_DIALECT) *(double *)((char *)d + at) = value;
    }
}

static void put_kind(int kind, assay_case_row *row)
{
    row->op = kind == XENT ? ASSAY_OP_XENT : kind == CTC ? ASSAY_OP_CTC : kind == RNN ? ASSAY_OP_RNN : ASSAY_OP_NETWORK;
    if (!(NETS >> kind & 1)) return;
    row->head = kind == LAST ? ASSAY_HEAD_LAST : ASSAY_HEAD_EVERY;
    row->loss = kind == NET_CTC ? ASSAY_LOSS_CTC : ASSAY_LOSS_XENT;
}

/* Kernels have paths for what 8 divides, others for the rest, and others again where one vector or tile is not enough.
 * Where strings are spelt there are no more samples than a row of the table can spell. */
static void put_sizes(const int level[ASSAY_MIX_FACTORS], assay_case_row *row)
{
    static const struct {
        int32_t t, n, i, h, wide, proj, classes;
    } of_stack[] = {{5, 5, 3, 5, 5, 3, 5}, {3, 8, 8, 8, 16, 8, 8}, {3, 17, 17, 20, 20, 17, 21}},
      of_network_ctc[] = {{7, 5, 3, 5, 5, 3, 5}, {8, 8, 8, 8, 16, 8, 8}, {7, 5, 17, 20, 20, 17, 21}},
      of_xent[] = {{5, 5, 0, 0, 0, 0, 5}, {3, 8, 0, 0, 0, 0, 8}, {5, 19, 0, 0, 0, 0, 70}},
      of_ctc[] = {{7, 5, 0, 0, 0, 0, 5}, {8, 8, 0, 0, 0, 0, 8}, {40, 8, 0, 0, 0, 0, 21}}, *size;
    const int kind = level[KIND], projected = level[PROJECTION] == 1;
    size = (kind == XENT ? of_xent : kind == CTC ? of_ctc : kind == NET_CTC ? of_network_ctc : of_stack) + level[SIZES];
    row->t = size->t;
    row->n = size->n;
    row->i = size->i;
    row->h = projected ? size->wide : size->h;
    row->proj = projected ? size->proj : 0;
    row->classes = kind == RNN ? 0 : size->classes;
}

/* Label strings: by the rule of a row, or spelt, one of them longer than its frames. */
static void put_strings(int spelt, assay_case_row *row)
{
    static const int32_t lengths[] = {3, 4, 0, 0, 2, 3, 4, 1}, longer[] = {18, 17, 0, 0, 2, 19, 16, 1};
    const int many = row->t >= 40;
    if (!spelt) {
        row->longest = many ? 18 : 3;
        return;
    }
    for (int n = 0; n < row->n; n++)
        row->label_lens[n] = (many ? longer : lengths)[n];
    row->label_lens[3] = row->t + 1;
}

static void put_rest(const int level[ASSAY_MIX_FACTORS], assay_case_row *row, assay_dialect *d)
{
    const int stack = STACKS >> level[KIND] & 1, variant = level[CTC_VARIANT];
    put_kind(level[KIND], row);
    put_sizes(level, row);
    const int x = stack ? row->i : row->classes, h = row->proj ? row->proj : row->h;
    if (level[X_STRIDE] == 1) row->x_stride = x + 3;
    if (level[Y_STRIDE] == 1) row->y_stride = (level[DIRECTIONS] == 1 ? 2 * h : h) + 3;
    if (level[LENGTHS] == 0) row->flags |= ASSAY_CASE_NO_LENS;
    if (level[STATES] == 1) row->flags |= ASSAY_CASE_NO_STATE;
    if (level[STATES] == 2) row->flags |= ASSAY_CASE_NO_CELL;
    if (level[STRINGS] >= 0) put_strings(level[STRINGS] % 2, row);
    if (level[RESET] < 0) d->gru_reset = ASSAY_RESET_AFTER_INSIDE;
    if (variant < 0) return;
    d->ctc_input = variants[variant].input, d->ctc_gradient = variants[variant].gradient;
    d->ctc_collapse = variants[variant].collapse, d->ctc_repeats = variants[variant].repeats;
}

int assay_mix_make(const int level[ASSAY_MIX_FACTORS], assay_case_row *row, assay_dialect *dialect)
{
    assay_problem p;
    memset(row, 0, sizeof *row);
    memset(dialect, 0, sizeof *dialect);
    for (int f = 0; f < FACTORS; f++)
        if (level[f] >= 0) put_fields(&factors[f], level[f], row, dialect);
    put_rest(level, row, dialect);
    /* Only an LSTM has a c0 to lack; only a state that is given can be forgotten. */
    if ((level[STATES] == 2 && level[CELL] != ASSAY_LSTM) || (level[EMPTY] == 1 && level[STATES] != 0)) return 0;
    assay_row_problem_of(row, dialect, &p);
    return assay_problem_check(&p, NULL, 0) == ASSAY_OK;
}

/* ---- and back ---- */

static int kind_of(const assay_case_row *r)
{
    if (r->op == ASSAY_OP_XENT) return XENT;
    if (r->op == ASSAY_OP_CTC) return CTC;
    if (r->op == ASSAY_OP_RNN) return RNN;
    return r->loss == ASSAY_LOSS_CTC ? NET_CTC : r->head == ASSAY_HEAD_LAST ? LAST : EVERY;
}

static int fields_are(const struct factor *x, int level, const assay_case_row *row, const assay_dialect *d)
{
    int same = 1;
    for (int k = 0; k < 2; k++) {
        const size_t at = x->field[k].offset;
        const double value = x->field[k].value[level];
        if (x->field[k].place == OF_ROW) same &= *(const int32_t *)((const char *)row + at) == (int32_t)value;
        if (x->field[k].place == OF_DIALECT) same &= *(const int32_t *)((const char *)d + at) == (int32_t)value;
        if (x->field[k].place == REAL_OF_DIALECT) same &= *(const double *)((const char *)d + at) == value;
    }
    return same;
}

static int special(int f, const assay_case_row *r, const assay_dialect *d)
{
    switch (f) {
    case KIND:
        return kind_of(r);
    case PROJECTION:
        return r->proj > 0;
    case SIZES:
        return r->classes > 8 || r->h > 16 ? 2 : r->n == 8;
    case X_STRIDE:
        return r->x_stride > 0;
    case Y_STRIDE:
        return r->y_stride > 0;
    case STATES:
        return r->flags & ASSAY_CASE_NO_STATE ? 1 : r->flags & ASSAY_CASE_NO_CELL ? 2 : 0;
    case CTC_VARIANT:
        for (int v = 0; v < VARIANTS; v++)
            if (d->ctc_input == variants[v].input && d->ctc_gradient == variants[v].gradient &&
                d->ctc_collapse == variants[v].collapse && d->ctc_repeats == variants[v].repeats)
                return v;
        return -1;
    default:
        return -1;
    }
}

void assay_mix_levels(const assay_case_row *row, const assay_dialect *dialect, int level[ASSAY_MIX_FACTORS])
{
    for (int f = 0; f < FACTORS; f++) {
        const struct factor *x = &factors[f];
        const int count = assay_mix_count(level, f);
        level[f] = count && x->field[0].place == NOWHERE ? special(f, row, dialect) : -1;
        for (int l = count - 1; l >= 0 && x->field[0].place != NOWHERE; l--)
            if (fields_are(x, l, row, dialect)) level[f] = l;
        if (f == LENGTHS && level[f] == 0 && !(row->flags & ASSAY_CASE_NO_LENS)) level[f] = 1;
    }
}
