/* case.c: the table of cases.
 * SPDX-License-Identifier: MIT */
#include "conformance/mix_pairs.h" /* written by the build: mixes_make.c */
#include "conformance/mixes.h"
#include "conformance/pairs.h"

#include <string.h>

static const assay_case_row rows[] = {
#include "conformance/cases/rnn.inc"
#include "conformance/cases/loss.inc"
#include "conformance/cases/network.inc"
#include "conformance/cases/edges.inc"
#include "conformance/mixes.inc" /* written by the build: mixes_make.c */
#include "conformance/pairs.inc" /* the same: pairs_make.c */
};

int assay_case_count(void)
{
    return (int)(sizeof rows / sizeof *rows);
}

void assay_case_get(int index, assay_case *out)
{
    assay_row_case(&rows[index], out);
}

void assay_pairs_of_cases(assay_pairs *out)
{
    assay_pairs_begin(out);
    for (int k = 0; k < assay_case_count(); k++) {
        int level[ASSAY_FACTORS];
        assay_pairs_levels(&rows[k], level);
        assay_pairs_count(out, level, 1);
    }
}

static int is_mix(const assay_case_row *row)
{
    return strcmp(row->tag, "mix") == 0;
}

void assay_mixes_of_cases(int *covered, int *possible)
{
    static const int all = ASSAY_MIX_FACTORS * ASSAY_MIX_LEVELS;
    unsigned char seen[ASSAY_MIX_GROUPS][ASSAY_MIX_FACTORS * ASSAY_MIX_LEVELS][ASSAY_MIX_FACTORS * ASSAY_MIX_LEVELS] = {
        {{0}}};
    *covered = 0;
    *possible = ASSAY_MIX_PAIRS;
    for (int k = 0; k < assay_case_count(); k++) {
        int level[ASSAY_MIX_FACTORS];
        assay_case c;
        assay_case_get(k, &c);
        if (!is_mix(c.source)) continue;
        assay_mix_levels(c.source, &c.problem.dialect, level);
        const int group = assay_mix_group(level);
        for (int f = 0; f < ASSAY_MIX_FACTORS; f++)
            for (int g = f + 1; g < ASSAY_MIX_FACTORS && level[f] >= 0; g++)
                if (level[g] >= 0) seen[group][f * ASSAY_MIX_LEVELS + level[f]][g * ASSAY_MIX_LEVELS + level[g]] = 1;
    }
    for (int group = 0; group < ASSAY_MIX_GROUPS; group++)
        for (int a = 0; a < all; a++)
            for (int b = 0; b < all; b++)
                *covered += seen[group][a][b];
}
