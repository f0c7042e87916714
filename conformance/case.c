/* case.c: the table of cases.
 * SPDX-License-Identifier: MIT */
#include "conformance/pairs.h"

static const assay_case_row rows[] = {
#include "conformance/cases/rnn.inc"
#include "conformance/cases/loss.inc"
#include "conformance/cases/network.inc"
#include "conformance/cases/edges.inc"
#include "conformance/pairs.inc" /* written by the build: pairs_make.c */
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
