/* pairs.h: pairs of sizes and kinds that cases should hold together, and which the table of cases has.
 * SPDX-License-Identifier: MIT
 *
 * Most faults need no more than two things at once: this cell and that width, an empty row and two layers. So for every
 * two factors each pair of their levels should be in some case, instead of every combination of all. A pair is possible
 * if some problem that is legal holds it within ASSAY_PAIRS_WORK. Sizes of nothing (no step, no sample, one class) are
 * paired with kinds and never with sizes, since nothing is computed that a size could matter for; and a case that has
 * one counts for the pairs of that size alone. */
#ifndef ASSAY_PAIRS_H
#define ASSAY_PAIRS_H

#include "conformance/case_row.h"

typedef enum assay_factor {
    ASSAY_FACTOR_KIND, /* rnn, xent, ctc; networks by head and loss */
    ASSAY_FACTOR_DIALECT,
    ASSAY_FACTOR_DIRECTIONS,
    ASSAY_FACTOR_LAYERS,
    ASSAY_FACTOR_LENGTHS, /* none given, all full, unsorted, with an empty one */
    ASSAY_FACTOR_T,
    ASSAY_FACTOR_N,
    ASSAY_FACTOR_I,
    ASSAY_FACTOR_H,
    ASSAY_FACTOR_CLASSES,
    ASSAY_FACTOR_LABELS, /* of the longest string */
    ASSAY_FACTORS
} assay_factor;

#define ASSAY_PAIR_LEVELS 14 /* the most that a factor has */

/* Multiply-adds forward and backward, ten for each logit and each state of CTC in a frame: up to there floors are
 * measured per operation (oracle.h). */
#define ASSAY_PAIRS_WORK 3e6

/* Level of each factor; -1: the problem has no such factor, or a level that is in no pair. -2: still free. */
enum { ASSAY_LEVEL_NONE = -1, ASSAY_LEVEL_FREE = -2 };

typedef struct assay_pairs {
    enum {
        ASSAY_PAIR_OUT,
        ASSAY_PAIR_OPEN,
        ASSAY_PAIR_COVERED
    } state[ASSAY_FACTORS][ASSAY_PAIR_LEVELS][ASSAY_FACTORS][ASSAY_PAIR_LEVELS]; /* first factor < second */
    int possible, covered, impossible;
} assay_pairs;

/* All possible pairs, none covered. Takes some milliseconds; pure. */
void assay_pairs_begin(assay_pairs *out);

int assay_pair_level_count(int factor);
/* Does a size of this level mean that nothing is computed? */
int assay_pair_is_nothing(int factor, int level);

/* Levels into a row without tag and reason. Factors that are free get the lowest level that the others allow. A level
 * of several sizes becomes the turn-th of them; NULL: the smallest. 0: no legal problem within `work` is like that. */
int assay_pairs_row(const int level[ASSAY_FACTORS], const int turn[ASSAY_FACTORS], double work, assay_case_row *out);

void assay_pairs_levels(const assay_case_row *row, int level[ASSAY_FACTORS]);

/* Pairs of these levels that are open: their number; with `mark` they are covered from now on. */
int assay_pairs_count(assay_pairs *p, const int level[ASSAY_FACTORS], int mark);

/* "hidden 257" */
const char *assay_pair_print(int factor, int level, char *buffer, size_t size);

/* What the table of cases covers. */
void assay_pairs_of_cases(assay_pairs *out);

#endif
