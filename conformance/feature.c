/* feature.c: the table of features, from features.inc.
 * SPDX-License-Identifier: MIT */
#include "conformance/feature.h"

#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
#define FEATURE(id, text, used) text,
#include "conformance/features.inc"
#undef FEATURE
};

uint64_t assay_features_of(const assay_problem *p, int ragged)
{
    int net = p->op == ASSAY_OP_NETWORK, stack = net || p->op == ASSAY_OP_RNN;
    int xent = p->op == ASSAY_OP_XENT || (net && p->loss == ASSAY_LOSS_XENT);
    int ctc = p->op == ASSAY_OP_CTC || (net && p->loss == ASSAY_LOSS_CTC);
    int loss = ctc || xent;
    int reduction = ctc ? p->dialect.ctc_reduction : p->dialect.xent_reduction;
    uint64_t set = 0;
#define FEATURE(id, text, used)                                                                                        \
    if (used) set |= ASSAY_FEATURE_BIT(id);
#include "conformance/features.inc"
#undef FEATURE
    return set;
}

const char *assay_feature_text(int feature)
{
    return feature >= 0 && feature < ASSAY_FEATURES ? texts[feature] : "?";
}

int assay_feature_by_text(const char *text)
{
    for (int k = 0; k < ASSAY_FEATURES; k++)
        if (!strcmp(texts[k], text)) return k;
    return -1;
}

const char *assay_features_print(uint64_t features, char *buffer, size_t size)
{
    size_t used = 0;
    snprintf(buffer, size, "nothing else");
    for (int k = 0; k < ASSAY_FEATURES && used < size; k++)
        if (features >> k & 1u)
            used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", texts[k]);
    return buffer;
}
