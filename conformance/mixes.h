/* mixes.h: options of the dialect and of a problem, so that every two that can meet do meet in some case.
 * SPDX-License-Identifier: MIT
 *
 * pairs.h crosses sizes with a few dialects. What is offered beside them goes wrong in company as well: clipping with a
 * projection, a stride with merged directions, an optimizer with peepholes. So for every two factors each pair of their
 * levels that some legal problem has is in some case of this kind, whose dialects are mixes of fields. */
#ifndef ASSAY_MIXES_H
#define ASSAY_MIXES_H

#include "conformance/case_row.h"

#define ASSAY_MIX_FACTORS 34
#define ASSAY_MIX_LEVELS  8 /* the most that a factor has */

/* Number of levels of factor f, by which the problem so far (the factors before it) has it at all; 0: it has not. */
int assay_mix_count(const int level[ASSAY_MIX_FACTORS], int f);

/* Levels into a row without tag and reason, and its dialect. 0: no such problem is legal. */
int assay_mix_make(const int level[ASSAY_MIX_FACTORS], assay_case_row *row, assay_dialect *dialect);

/* And back; -1: the problem has no such factor, or a level of its own. */
void assay_mix_levels(const assay_case_row *row, const assay_dialect *dialect, int level[ASSAY_MIX_FACTORS]);

/* Losses alone are another code than stacks, with or without a loss: which of the three these levels are of. Pairs
 * count in each for themselves. */
#define ASSAY_MIX_GROUPS 3
int assay_mix_group(const int level[ASSAY_MIX_FACTORS]);

/* "clip cuts": what a level is, in a text. */
const char *assay_mix_print(int f, int level);

/* Pairs of levels that the table of cases holds, of those that some legal problem has. */
void assay_mixes_of_cases(int *covered, int *possible);

#endif
