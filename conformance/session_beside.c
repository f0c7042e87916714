/* session_beside.c: a second plan in the same worker.
 * SPDX-License-Identifier: MIT */
#include "conformance/session_state.h"

#include <string.h>

static int is_well(const assay_reply *r)
{
    return r->outcome == ASSAY_ANSWERED && r->status == ASSAY_OK;
}

assay_reply assay_session_beside(assay_session *s, const assay_problem *p, assay_placement placement)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    q.problem = *p;
    q.placement = (int32_t)placement;
    const assay_reply r = assay_session_ask_to_plan(s, &q, ASSAY_WIRE_BESIDE, &a);
    if (!is_well(&r)) return r;
    s->aside.problem = *p;
    s->aside.tensor_count = assay_tensors_of(p, s->aside.tensors);
    return r;
}

/* What bindings are checked against changes places, too. */
static void turn(assay_session *s)
{
    const assay_problem problem = s->problem;
    const int count = s->tensor_count;
    s->problem = s->aside.problem;
    s->tensor_count = s->aside.tensor_count;
    s->aside.problem = problem;
    s->aside.tensor_count = count;
    for (int k = 0; k < ASSAY_TENSORS; k++) {
        const assay_tensor tensor = s->tensors[k];
        s->tensors[k] = s->aside.tensors[k];
        s->aside.tensors[k] = tensor;
    }
    s->turned = !s->turned;
}

assay_reply assay_session_turn(assay_session *s)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    const assay_reply r = assay_session_ask(s, &q, ASSAY_WIRE_TURN, NULL, 0, &a);
    if (is_well(&r)) turn(s);
    return r;
}

assay_reply assay_session_part(assay_session *s)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    const assay_reply r = assay_session_ask(s, &q, ASSAY_WIRE_PART, NULL, 0, &a);
    if (is_well(&r) && s->turned) turn(s);
    return r;
}
