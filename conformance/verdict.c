/* verdict.c: names, texts and the order of verdicts, from the one list in verdict.h.
 * SPDX-License-Identifier: MIT */
#include "conformance/verdict.h"

static const struct {
    const char *name, *text;
} table[] = {
#define ROW(name, text) {#name, text},
    ASSAY_VERDICTS(ROW)
#undef ROW
};

const char *assay_verdict_name(assay_verdict v)
{
    return v < ASSAY_VERDICT_COUNT ? table[v].name : "?";
}

const char *assay_verdict_text(assay_verdict v)
{
    return v < ASSAY_VERDICT_COUNT ? table[v].text : "?";
}

assay_verdict assay_verdict_worse(assay_verdict a, assay_verdict b)
{
    return a > b ? a : b;
}

int assay_verdict_is_failure(assay_verdict v)
{
    return v == ASSAY_VERDICT_FAIL || v == ASSAY_VERDICT_TIMEOUT || v == ASSAY_VERDICT_CRASHED ||
           v == ASSAY_VERDICT_MISTRUSTED;
}
