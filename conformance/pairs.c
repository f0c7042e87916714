/* pairs.c: factors and their levels, what is legal and within the cap, and what is covered.
 * SPDX-License-Identifier: MIT */
#include "conformance/pairs.h"

#include "reference/tensors.h"

#include <stdio.h>
#include <string.h>

#define SIZES   7
#define MEMBERS 3

/* Sizes of one kind are one level and take turns: small odd ones, tails of small tiles, of middle and of large ones.
 * The smallest stand first. */
static const struct {
    int32_t size[MEMBERS];
    int count;
} sizes[SIZES] = {{{0}, 1}, {{1}, 1}, {{2}, 1}, {{3, 5, 7}, 3}, {{17, 31, 33}, 3}, {{63, 65}, 2}, {{127, 129, 257}, 3}};

enum { RNN, LAST, EVERY, NET_CTC, XENT, CTC, KINDS };
static const char *const kinds[KINDS] = {"rnn", "network last", "network every", "network ctc", "xent", "ctc"};

enum { STACKS = 1 << RNN | 1 << LAST | 1 << EVERY | 1 << NET_CTC, HAVE_CTC = 1 << NET_CTC | 1 << CTC };

static const struct {
    const char *name;
    unsigned kinds;
    int32_t classes; /* that it needs: its blank; smoothed labels that are no label's whole gradient */
} dialects[] = {{"lstm", STACKS, 2},          {"lstm-b1", STACKS, 2},      {"lstm-b0", STACKS, 2},
                {"lstm-peephole", STACKS, 2}, {"lstm-batch", STACKS, 2},   {"gru", STACKS, 2},
                {"gru-b0", STACKS, 2},        {"gru-before", STACKS, 2},   {"tanh", STACKS, 2},
                {"relu", STACKS, 2},          {"xent-none", 1 << XENT, 1}, {"xent-torch", 1 << XENT, 2},
                {"ctc-none", 1 << CTC, 2},    {"ctc-padded", 1 << CTC, 4}};
#define DIALECTS ((int)(sizeof dialects / sizeof *dialects))

enum { NONE_GIVEN, ALL_FULL, UNSORTED, WITH_EMPTY, LENGTHS };
static const char *const lengths[LENGTHS] = {"not given", "all full", "unsorted", "one empty"};

/* Who has a factor, its levels, the least that is legal, the level that it starts from where it is free. */
static const struct {
    const char *name;
    unsigned kinds;
    int levels, least, lowest, is_size;
} factors[ASSAY_FACTORS] = {
    [ASSAY_FACTOR_KIND] = {"op", STACKS | 1 << XENT | 1 << CTC, KINDS, 0, 0, 0},
    [ASSAY_FACTOR_DIALECT] = {"dialect", STACKS | 1 << XENT | 1 << CTC, DIALECTS, 0, 0, 0},
    [ASSAY_FACTOR_DIRECTIONS] = {"directions", STACKS, 2, 0, 0, 0},
    [ASSAY_FACTOR_LAYERS] = {"layers", STACKS, 4, 0, 0, 0},
    [ASSAY_FACTOR_LENGTHS] = {"lengths", STACKS | 1 << XENT | 1 << CTC, LENGTHS, 0, 0, 0},
    [ASSAY_FACTOR_T] = {"steps", STACKS | 1 << XENT | 1 << CTC, SIZES, 0, 1, 1},
    [ASSAY_FACTOR_N] = {"samples", STACKS | 1 << XENT | 1 << CTC, SIZES, 0, 1, 1},
    [ASSAY_FACTOR_I] = {"inputs", STACKS, SIZES, 1, 1, 1},
    [ASSAY_FACTOR_H] = {"hidden", STACKS, SIZES, 1, 1, 1},
    [ASSAY_FACTOR_CLASSES] = {"classes", 1 << LAST | 1 << EVERY | 1 << NET_CTC | 1 << XENT | 1 << CTC, SIZES, 1, 2, 1},
    [ASSAY_FACTOR_LABELS] = {"labels", HAVE_CTC, SIZES, 0, 0, 1},
};

int assay_pair_level_count(int factor)
{
    return factors[factor].levels;
}

int assay_pair_is_nothing(int factor, int level)
{
    return ((factor == ASSAY_FACTOR_T || factor == ASSAY_FACTOR_N) && level == 0) ||
           (factor == ASSAY_FACTOR_CLASSES && level == 1);
}

const char *assay_pair_print(int factor, int level, char *buffer, size_t size)
{
    const char *word = factor == ASSAY_FACTOR_KIND      ? kinds[level]
                       : factor == ASSAY_FACTOR_DIALECT ? dialects[level].name
                       : factor == ASSAY_FACTOR_LENGTHS ? lengths[level]
                                                        : NULL;
    const int number = factors[factor].is_size ? sizes[level].size[0] : level + 1;
    if (word)
        snprintf(buffer, size, "%s %s", factors[factor].name, word);
    else
        snprintf(buffer, size, "%s %d", factors[factor].name, number);
    return buffer;
}

/* ---- levels into a row ---- */

static int32_t size_of(int level, int turn)
{
    return sizes[level].size[turn % sizes[level].count];
}

static void row_of(const int level[ASSAY_FACTORS], const int turn[ASSAY_FACTORS], assay_case_row *r)
{
    static const int32_t op[KINDS] = {ASSAY_OP_RNN,     ASSAY_OP_NETWORK, ASSAY_OP_NETWORK,
                                      ASSAY_OP_NETWORK, ASSAY_OP_XENT,    ASSAY_OP_CTC};
    static const int32_t ragged[LENGTHS] = {ASSAY_ROWS_FULL, ASSAY_ROWS_FULL, ASSAY_ROWS_UNSORTED, ASSAY_ROWS_EMPTY};
    const int kind = level[ASSAY_FACTOR_KIND], network = STACKS >> kind & 1 && kind != RNN;
    memset(r, 0, sizeof *r);
    r->dialect = dialects[level[ASSAY_FACTOR_DIALECT]].name;
    r->op = op[kind];
    r->t = size_of(level[ASSAY_FACTOR_T], turn[ASSAY_FACTOR_T]);
    r->n = size_of(level[ASSAY_FACTOR_N], turn[ASSAY_FACTOR_N]);
    r->ragged = ragged[level[ASSAY_FACTOR_LENGTHS]];
    r->repeats = -1; /* neighbours differ, so that a string needs no more frames than labels */
    if (level[ASSAY_FACTOR_LENGTHS] == NONE_GIVEN) r->flags = ASSAY_CASE_NO_LENS;
    if (STACKS >> kind & 1) {
        r->directions = level[ASSAY_FACTOR_DIRECTIONS] + 1;
        r->layers = level[ASSAY_FACTOR_LAYERS] + 1;
        r->i = size_of(level[ASSAY_FACTOR_I], turn[ASSAY_FACTOR_I]);
        r->h = size_of(level[ASSAY_FACTOR_H], turn[ASSAY_FACTOR_H]);
    }
    if (kind != RNN) r->classes = size_of(level[ASSAY_FACTOR_CLASSES], turn[ASSAY_FACTOR_CLASSES]);
    if (HAVE_CTC >> kind & 1) r->longest = size_of(level[ASSAY_FACTOR_LABELS], turn[ASSAY_FACTOR_LABELS]);
    if (!network) return;
    r->head = kind == LAST ? ASSAY_HEAD_LAST : ASSAY_HEAD_EVERY;
    r->loss = kind == NET_CTC ? ASSAY_LOSS_CTC : ASSAY_LOSS_XENT;
    r->vocab = kind == EVERY ? 11 : 0;
    r->dense_bias = kind != LAST;
    r->optimizer = kind == EVERY ? ASSAY_OPT_SGD : ASSAY_OPT_ADAM;
}

static double work_of(const assay_case_row *r)
{
    assay_problem p;
    assay_row_problem(r, &p);
    const double rows = r->head == ASSAY_HEAD_LAST ? r->n : (double)r->t * r->n;
    return assay_macs_forward(&p, NULL) + assay_macs_backward(&p, NULL, 1) +
           10 * rows * (r->classes + (r->longest > 0 ? 2 * r->longest + 1 : 0));
}

/* Raises a factor to a level at least; 0: it is fixed below that. */
static int raise(const int fixed[ASSAY_FACTORS], int level[ASSAY_FACTORS], int factor, int least)
{
    if (level[factor] >= least) return 1;
    if (fixed[factor] != ASSAY_LEVEL_FREE) return 0;
    level[factor] = least;
    return 1;
}

/* Every rule is a least level of one factor that follows from others, so raising until all hold gives the smallest
 * problem of all; kind and dialect are chosen. */
static int settle(const int fixed[ASSAY_FACTORS], int level[ASSAY_FACTORS])
{
    const int kind = level[ASSAY_FACTOR_KIND], dialect = level[ASSAY_FACTOR_DIALECT];
    int ok = dialects[dialect].kinds >> kind & 1, nothing = 0;
    for (int f = ASSAY_FACTOR_DIRECTIONS; f < ASSAY_FACTORS; f++) {
        const int has = factors[f].kinds >> kind & 1;
        if (fixed[f] == ASSAY_LEVEL_FREE) level[f] = has ? factors[f].lowest : ASSAY_LEVEL_NONE;
        ok &= has ? level[f] >= factors[f].least : level[f] == ASSAY_LEVEL_NONE;
        nothing += level[f] >= 0 && assay_pair_is_nothing(f, level[f]);
    }
    if (!ok || nothing > 1) return 0;
    if (level[ASSAY_FACTOR_LENGTHS] >= UNSORTED)
        ok = raise(fixed, level, ASSAY_FACTOR_N, 2) &&
             raise(fixed, level, ASSAY_FACTOR_T, level[ASSAY_FACTOR_LENGTHS] == UNSORTED ? 2 : 1);
    if (!((HAVE_CTC | 1 << XENT) >> kind & 1)) return ok;
    const int labels = level[ASSAY_FACTOR_LABELS];
    const int32_t classes = labels > 1 && dialects[dialect].classes < 3 ? 3 : dialects[dialect].classes;
    for (int k = 0; ok && size_of(level[ASSAY_FACTOR_CLASSES], 0) < classes; k++)
        ok = raise(fixed, level, ASSAY_FACTOR_CLASSES, level[ASSAY_FACTOR_CLASSES] + 1);
    return ok && raise(fixed, level, ASSAY_FACTOR_T, labels) && !(level[ASSAY_FACTOR_N] == 0 && labels > 0);
}

int assay_pairs_row(const int fixed[ASSAY_FACTORS], const int turn[ASSAY_FACTORS], double work, assay_case_row *out)
{
    static const int first[ASSAY_FACTORS] = {0};
    int level[ASSAY_FACTORS];
    const int kind = fixed[ASSAY_FACTOR_KIND], dialect = fixed[ASSAY_FACTOR_DIALECT];
    for (int k = 0; k < KINDS; k++)
        for (int d = 0; d < DIALECTS; d++) {
            if ((kind != ASSAY_LEVEL_FREE && kind != k) || (dialect != ASSAY_LEVEL_FREE && dialect != d)) continue;
            memcpy(level, fixed, sizeof level);
            level[ASSAY_FACTOR_KIND] = k;
            level[ASSAY_FACTOR_DIALECT] = d;
            if (!settle(fixed, level)) continue;
            row_of(level, turn ? turn : first, out);
            if (out->longest <= out->t && work_of(out) <= work) return 1;
        }
    return 0;
}

/* ---- rows into levels ---- */

static int level_of_size(int32_t size)
{
    for (int k = 0; k < SIZES; k++)
        for (int m = 0; m < sizes[k].count; m++)
            if (sizes[k].size[m] == size) return k;
    return ASSAY_LEVEL_NONE;
}

static int kind_of(const assay_case_row *r)
{
    if (r->op == ASSAY_OP_XENT) return XENT;
    if (r->op == ASSAY_OP_CTC) return CTC;
    if (r->op == ASSAY_OP_RNN) return RNN;
    return r->loss == ASSAY_LOSS_CTC ? NET_CTC : r->head == ASSAY_HEAD_LAST ? LAST : EVERY;
}

static int lengths_of(const assay_case_row *r)
{
    int falling = 1;
    if (r->flags & ASSAY_CASE_NO_LENS) return NONE_GIVEN;
    if (r->ragged == ASSAY_ROWS_FULL) return ALL_FULL;
    for (int n = 0; n < r->n; n++) {
        if (assay_row_length(r, n) == 0) return WITH_EMPTY;
        falling &= n == 0 || assay_row_length(r, n) <= assay_row_length(r, n - 1);
    }
    return falling ? ASSAY_LEVEL_NONE : UNSORTED;
}

void assay_pairs_levels(const assay_case_row *r, int level[ASSAY_FACTORS])
{
    const int kind = kind_of(r);
    int32_t longest = 0;
    for (int n = 0; n < r->n; n++)
        if (assay_row_label_length(r, n) > longest) longest = assay_row_label_length(r, n);
    level[ASSAY_FACTOR_KIND] = kind;
    level[ASSAY_FACTOR_DIALECT] = ASSAY_LEVEL_NONE;
    for (int d = 0; d < DIALECTS; d++)
        if (!strcmp(dialects[d].name, r->dialect)) level[ASSAY_FACTOR_DIALECT] = d;
    level[ASSAY_FACTOR_DIRECTIONS] = r->directions - 1;
    level[ASSAY_FACTOR_LAYERS] = r->layers > 4 ? ASSAY_LEVEL_NONE : r->layers - 1;
    level[ASSAY_FACTOR_LENGTHS] = lengths_of(r);
    level[ASSAY_FACTOR_T] = level_of_size(r->t);
    level[ASSAY_FACTOR_N] = level_of_size(r->n);
    level[ASSAY_FACTOR_I] = level_of_size(r->i);
    level[ASSAY_FACTOR_H] = level_of_size(r->h);
    level[ASSAY_FACTOR_CLASSES] = level_of_size(r->classes);
    level[ASSAY_FACTOR_LABELS] = level_of_size(longest);
    for (int f = 0; f < ASSAY_FACTORS; f++)
        if (!(factors[f].kinds >> kind & 1)) level[f] = ASSAY_LEVEL_NONE;
}

/* ---- pairs ---- */

/* Is this pair one that is asked for? A size of nothing and another size is not. */
static int is_asked(int f, int a, int g, int b)
{
    const int nothing = assay_pair_is_nothing(f, a) || assay_pair_is_nothing(g, b);
    if (a < factors[f].least || b < factors[g].least) return 0;
    return !(nothing && factors[f].is_size && factors[g].is_size);
}

void assay_pairs_begin(assay_pairs *out)
{
    memset(out, 0, sizeof *out);
    for (int f = 0; f < ASSAY_FACTORS; f++)
        for (int g = f + 1; g < ASSAY_FACTORS; g++)
            for (int a = 0; a < factors[f].levels; a++)
                for (int b = 0; b < factors[g].levels; b++) {
                    int level[ASSAY_FACTORS];
                    assay_case_row row;
                    if (!is_asked(f, a, g, b)) continue;
                    for (int k = 0; k < ASSAY_FACTORS; k++)
                        level[k] = ASSAY_LEVEL_FREE;
                    level[f] = a;
                    level[g] = b;
                    const int possible = assay_pairs_row(level, NULL, ASSAY_PAIRS_WORK, &row);
                    out->possible += possible;
                    out->impossible += !possible;
                    if (possible) out->state[f][a][g][b] = ASSAY_PAIR_OPEN;
                }
}

int assay_pairs_count(assay_pairs *p, const int level[ASSAY_FACTORS], int mark)
{
    int found = 0, nothing = 0;
    for (int f = 0; f < ASSAY_FACTORS; f++)
        nothing |= level[f] >= 0 && assay_pair_is_nothing(f, level[f]);
    for (int f = 0; f < ASSAY_FACTORS; f++)
        for (int g = f + 1; g < ASSAY_FACTORS && level[f] >= 0; g++) {
            if (level[g] < 0 || p->state[f][level[f]][g][level[g]] != ASSAY_PAIR_OPEN) continue;
            if (nothing && !assay_pair_is_nothing(f, level[f]) && !assay_pair_is_nothing(g, level[g])) continue;
            found++;
            if (mark) p->state[f][level[f]][g][level[g]] = ASSAY_PAIR_COVERED;
        }
    if (mark) p->covered += found;
    return found;
}
