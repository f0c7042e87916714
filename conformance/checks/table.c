/* table.c: the table of checks, from checks.inc, and the rules that assign them to cases.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

#include <stddef.h>

int assay_case_any(const assay_case *c)
{
    return !c->documented;
}

int assay_case_has_gradcheck(const assay_case *c)
{
    return !c->documented && (c->flags & ASSAY_CASE_GRADCHECK);
}

int assay_case_has_unread(const assay_case *c)
{
    const assay_problem *p = &c->problem;
    const int has_ctc = p->op == ASSAY_OP_CTC || (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_CTC);
    return !c->documented && (c->ragged || (has_ctc && p->dialect.ctc_labels == ASSAY_LABELS_PADDED) ||
                              (p->op == ASSAY_OP_XENT && p->dialect.xent_ignores));
}

int assay_case_has_memory(const assay_case *c)
{
    return !c->documented && (c->flags & ASSAY_CASE_MEMORY);
}

int assay_case_stands_alone(const assay_case *c)
{
    return !c->documented && c->problem.op != ASSAY_OP_NETWORK;
}

int assay_case_has_magnitude(const assay_case *c)
{
    return assay_case_has_gradcheck(c) && c->problem.op != ASSAY_OP_NETWORK && c->problem.n <= ASSAY_ROW_LENS;
}

int assay_case_has_arithmetic(const assay_case *c)
{
    const unsigned chosen = ASSAY_CASE_GRADCHECK | ASSAY_CASE_NARROW;
    return assay_case_stands_alone(c) && (c->flags & chosen) == chosen && c->problem.directions == 1;
}

int assay_case_has_update(const assay_case *c)
{
    return !c->documented && c->problem.op == ASSAY_OP_NETWORK && c->problem.optimizer != ASSAY_OPT_NONE;
}

int assay_case_is_documented(const assay_case *c)
{
    return c->documented;
}

static const assay_check table[] = {
#define CHECK(name, text, applies) {#name, text, assay_check_##name, applies},
#include "conformance/checks/checks.inc"
#undef CHECK
};

int assay_check_count(void)
{
    return (int)(sizeof table / sizeof *table);
}

const assay_check *assay_check_get(int index)
{
    return index >= 0 && index < assay_check_count() ? &table[index] : NULL;
}
