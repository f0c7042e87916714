/* refusal.c: finds what a plugin lacks that refuses a problem without a word.
 * SPDX-License-Identifier: MIT */
#include "conformance/refusal.h"

#include "reference/dialect.h"
#include "reference/tensors.h"

#include <stdio.h>
#include <string.h>

/* What is made plain beside the dialect. The format comes first: of two things that are each refused the later is
 * named. */
enum { OF_ALL, OF_STACKS, OF_NETWORKS };
static const struct part {
    const char *name;
    size_t offset;
    int32_t plain;
    int who; /* reads it */
} parts[] = {
#define PART(name) #name, offsetof(assay_problem, name)
    {PART(arithmetic), ASSAY_FP32, OF_ALL},
    {PART(x_stride), 0, OF_ALL},
    {PART(y_stride), 0, OF_STACKS},
    {PART(proj), 0, OF_STACKS},
    {PART(optimizer), ASSAY_OPT_NONE, OF_NETWORKS},
    {PART(vocab), 0, OF_NETWORKS},
    {PART(dense_bias), 1, OF_NETWORKS},
    {PART(layers), 1, OF_STACKS},
    {PART(directions), 1, OF_STACKS},
#undef PART
};
enum { PARTS = sizeof parts / sizeof *parts };

/* What most implementations offer. */
static int32_t plain_of(const assay_dialect_field *f)
{
    static const struct {
        size_t offset;
        int32_t value;
    } others[] = {
        {offsetof(assay_dialect, biases), ASSAY_BIAS_TWO},
        {offsetof(assay_dialect, gru_reset), ASSAY_RESET_AFTER_INSIDE},
        {offsetof(assay_dialect, xent_reduction), ASSAY_REDUCE_MEAN},
        {offsetof(assay_dialect, ctc_reduction), ASSAY_REDUCE_MEAN},
    };
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (others[k].offset == f->offset) return others[k].value;
    return 0;
}

static int is_read(const assay_problem *p, int index)
{
    const int network = p->op == ASSAY_OP_NETWORK;
    if (index >= PARTS) return assay_is_kind(p, assay_dialect_field_get(index - PARTS)->reader);
    return parts[index].who == OF_ALL || network || (parts[index].who == OF_STACKS && p->op == ASSAY_OP_RNN);
}

/* A field of the dialect, or a part: 1 if it is plain or nobody reads it; with `change` it is made so. */
static int is_plain(assay_problem *p, int index, int change)
{
    if (!is_read(p, index)) return 1;
    if (index < PARTS) {
        int32_t *value = (int32_t *)((char *)p + parts[index].offset);
        const int plain = *value == parts[index].plain;
        if (change) *value = parts[index].plain;
        return plain;
    }
    const assay_dialect_field *f = assay_dialect_field_get(index - PARTS);
    char *at = (char *)&p->dialect + f->offset;
    if (f->real) {
        const int plain = *(double *)at == 0;
        if (change) *(double *)at = 0;
        return plain;
    }
    const int plain = *(int32_t *)at == plain_of(f);
    if (change) *(int32_t *)at = plain_of(f);
    return plain;
}

/* What nobody reads any more has to be as if it were not there. */
static void clear_unread(assay_problem *p)
{
    for (int k = 0; k < assay_dialect_field_count(); k++) {
        const assay_dialect_field *f = assay_dialect_field_get(k);
        char *at = (char *)&p->dialect + f->offset;
        if (assay_is_kind(p, f->reader)) continue;
        if (f->real)
            *(double *)at = 0;
        else
            *(int32_t *)at = f->offset == offsetof(assay_dialect, gru_reset) ? ASSAY_RESET_AFTER_INSIDE : 0;
    }
}

static int is_refused(assay_session *s, const assay_problem *p)
{
    assay_arithmetic declared;
    const assay_reply r = assay_session_supports(s, p, &declared, NULL, 0);
    return r.outcome == ASSAY_ANSWERED && r.status == ASSAY_UNSUPPORTED;
}

/* Makes plain whatever does not change the refusal; a field that another one needs gets its turn after that. */
static void reduce(assay_session *s, assay_problem *p)
{
    const int count = PARTS + assay_dialect_field_count();
    for (int changed = 1; changed;) {
        changed = 0;
        for (int k = 0; k < count; k++) {
            assay_problem plainer = *p;
            if (is_plain(&plainer, k, 1)) continue;
            clear_unread(&plainer);
            if (assay_problem_check(&plainer, NULL, 0) != ASSAY_OK || !is_refused(s, &plainer)) continue;
            *p = plainer;
            changed = 1;
        }
    }
}

static void name(const assay_problem *p, int index, char *text, size_t size)
{
    const assay_dialect_field *f = index < PARTS ? NULL : assay_dialect_field_get(index - PARTS);
    const char *at = f ? (const char *)&p->dialect + f->offset : (const char *)p + parts[index].offset;
    if (f && f->real)
        snprintf(text, size, "%s %g", f->name, *(const double *)at);
    else if (!f && index == 0)
        snprintf(text, size, "arithmetic %s", assay_format_name(p->arithmetic));
    else if (f && f->offset == offsetof(assay_dialect, cell))
        snprintf(text, size, "cell %s", assay_cell_name(p->dialect.cell));
    else
        snprintf(text, size, "%s %d", f ? f->name : parts[index].name, *(const int32_t *)at);
}

/* Of a problem of which nothing more can be made plain. */
static void tell(const assay_problem *p, char *why, size_t size)
{
    assay_problem copy = *p;
    const char *separator = "";
    size_t used = (size_t)snprintf(why, size, "%s; missing: ", ASSAY_NO_REASON);
    const size_t start = used;
    for (int k = 0; k < PARTS + assay_dialect_field_count(); k++) {
        char text[48];
        if (is_plain(&copy, k, 0) || used >= size) continue;
        name(p, k, text, sizeof text);
        used += (size_t)snprintf(why + used, size - used, "%s%s", separator, text);
        separator = " with ";
    }
    const char *loss = p->op != ASSAY_OP_NETWORK ? "" : p->loss == ASSAY_LOSS_CTC ? " with ctc" : " with xent";
    if (used == start)
        snprintf(why + used, size - used, "op %s%s, here t %d, n %d", assay_op_name(p->op), loss, p->t, p->n);
}

assay_reply assay_refusal_ask(assay_session *s, const assay_problem *p, assay_arithmetic *declared, char *why,
                              size_t why_size)
{
    const assay_reply r = assay_session_supports(s, p, declared, why, why_size);
    if (r.outcome != ASSAY_ANSWERED || r.status != ASSAY_UNSUPPORTED || strcmp(why, ASSAY_NO_REASON) != 0) return r;
    assay_problem plainer = *p;
    reduce(s, &plainer);
    tell(&plainer, why, why_size);
    return r;
}
