/* rig.c: sessions with a rogue in them.
 * SPDX-License-Identifier: MIT */
#include "conformance/tests/rig.h"

#include <string.h>

assay_problem rig_problem(int rogue)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_RNN;
    p.arithmetic = ASSAY_FP32;
    p.t = 3;
    p.n = 2;
    p.i = 3;
    p.h = 5;
    p.layers = p.directions = 1;
    p.dialect.cell = ASSAY_RNN_TANH;
    p.dialect.biases = ASSAY_BIAS_TWO;
    p.dialect.bptt_steps = rogue;
    return p;
}

assay_session_options rig_options(double limit)
{
    assay_session_options o = {.threads = 1, .time_limit = limit};
    return o;
}

assay_reply rig_bind(rig *r, int id, const assay_memory *m)
{
    const assay_binding one = {id, m};
    return assay_session_bind(r->session, &one, 1);
}

static assay_reply bind_one(rig *r, int id, size_t count, assay_placement placement, int input, assay_memory *m)
{
    assay_reply failed = {.outcome = ASSAY_ANSWERED, .status = ASSAY_NO_MEMORY};
    if (assay_memory_make(count * sizeof(float), placement, input, m) != ASSAY_OK) return failed;
    return rig_bind(r, id, m);
}

static int well(assay_reply r)
{
    return r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK;
}

assay_reply rig_plan(rig *r, int rogue, assay_placement placement)
{
    assay_problem p = rig_problem(rogue);
    assay_sizes sizes;
    assay_reply reply = assay_session_plan(r->session, &p, placement, &sizes);
    if (well(reply)) reply = bind_one(r, ASSAY_X, (size_t)(p.t * p.n * p.i), placement, 1, &r->x);
    if (well(reply)) reply = bind_one(r, ASSAY_Y, (size_t)(p.t * p.n * p.h), placement, 0, &r->y);
    if (well(reply)) reply = bind_one(r, ASSAY_HN, (size_t)(p.n * p.h), placement, 0, &r->hn);
    return reply;
}

assay_reply rig_start(rig *r, int rogue, assay_placement placement, double limit)
{
    assay_session_options o = rig_options(limit);
    memset(r, 0, sizeof *r);
    assay_reply reply = assay_session_start(ROGUE("rogue"), &o, &r->session);
    return well(reply) ? rig_plan(r, rogue, placement) : reply;
}

void rig_free(rig *r)
{
    assay_session_end(r->session);
    assay_memory_free(&r->x);
    assay_memory_free(&r->y);
    assay_memory_free(&r->hn);
    memset(r, 0, sizeof *r);
}

assay_reply rig_run(rig *r, assay_timing *timing)
{
    const assay_call train = {.kind = ASSAY_CALL_RUN, .pass = ASSAY_TRAIN};
    return assay_session_run(r->session, &train, 1, 1, 0, NULL, timing);
}

assay_reply rig_try(int rogue, assay_placement placement, double limit)
{
    rig r;
    assay_reply reply = rig_start(&r, rogue, placement, limit);
    if (well(reply)) reply = rig_run(&r, NULL);
    rig_free(&r);
    return reply;
}
