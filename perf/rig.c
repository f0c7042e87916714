/* rig.c: an implementation on a workload: memory, bindings, requests.
 * SPDX-License-Identifier: MIT */
#include "perf/rig.h"

#include "conformance/oracle.h"

#include "perf/stats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROUND_TRIPS       21
#define MAY_START_THREADS 2 /* calls of run(): impl/impl.h */

int assay_rig_fail(assay_rig *r, assay_verdict v, const char *format, ...)
{
    if (r->verdict == ASSAY_VERDICT_PASS) {
        va_list list;
        va_start(list, format);
        vsnprintf(r->why, sizeof r->why, format, list);
        va_end(list);
        r->verdict = v;
    }
    return 0;
}

double assay_rig_ahead(const assay_rig *r)
{
    const double now = r->verdict == ASSAY_VERDICT_PASS ? assay_session_processor(r->session) : -1;
    return now < 0 || r->mark < 0 ? 0 : now - r->mark;
}

void assay_rig_mark(assay_rig *r)
{
    if (r->verdict == ASSAY_VERDICT_PASS) r->mark = assay_session_processor_at_answer(r->session);
}

static int answered(assay_rig *r, const char *what, const assay_reply *reply)
{
    static const assay_verdict of[] = {[ASSAY_ANSWERED] = ASSAY_VERDICT_FAIL,
                                       [ASSAY_DIED] = ASSAY_VERDICT_CRASHED,
                                       [ASSAY_TIMED_OUT] = ASSAY_VERDICT_TIMEOUT,
                                       [ASSAY_MUTE] = ASSAY_VERDICT_CRASHED,
                                       [ASSAY_UNSTARTED] = ASSAY_VERDICT_BROKEN};
    if (reply->outcome == ASSAY_ANSWERED && reply->status == ASSAY_OK) return 1;
    assay_verdict v = of[reply->outcome];
    /* Only a start can lack its device; who refuses after supports() said yes has failed. */
    if (reply->outcome == ASSAY_ANSWERED && reply->status == ASSAY_NO_DEVICE && !strcmp(what, "start"))
        v = ASSAY_VERDICT_SKIPPED;
    return assay_rig_fail(r, v, "%s: %s", what, reply->what[0] ? reply->what : "status is not ASSAY_OK");
}

int assay_rig_start(assay_rig *r, const char *plugin, const assay_session_options *o, const assay_problem *p)
{
    char why[160] = "";
    memset(r, 0, sizeof *r);
    for (int id = 0; id < ASSAY_TENSORS; id++)
        r->memory[id].fd = -1;
    r->problem = *p;
    r->given = o->threads;
    r->start = r->most = -1;
    r->tensor_count = assay_tensors_of(p, r->tensors);
    assay_reply reply = assay_session_start(plugin, o, &r->session);
    if (!answered(r, "start", &reply)) return 0;
    if (!assay_session_libraries(r->session)[0])
        return assay_rig_fail(r, ASSAY_VERDICT_BROKEN, "start: a library that the worker maps can't be read");
    if (!assay_session_still(r->session, 1))
        return assay_rig_fail(r, ASSAY_VERDICT_BROKEN, "start: the worker did not stop when it was told to");
    r->about = *assay_session_about(r->session);
    reply = assay_session_supports(r->session, p, &r->declared, why, sizeof why);
    if (reply.outcome == ASSAY_ANSWERED && reply.status == ASSAY_UNSUPPORTED)
        return assay_rig_fail(r, ASSAY_VERDICT_UNSUPPORTED, "%s", why);
    if (!answered(r, "supports", &reply)) return 0;
    if (assay_arithmetic_honours(p->arithmetic, &r->declared, why, sizeof why)) return 1;
    return assay_rig_fail(r, ASSAY_VERDICT_FAIL, "supports: %s", why);
}

/* Is this output part of a training step? dx and final states are not. */
static int wanted(const assay_rig *r, const assay_tensor *x)
{
    switch (x->id) {
    case ASSAY_LOGITS:
        return r->logits;
    case ASSAY_Y:
    case ASSAY_LOSS:
    case ASSAY_LOSS_ROWS:
        return 1;
    default:
        return x->id >= ASSAY_SLOTS && x->role != ASSAY_ROLE_INPUT;
    }
}

static int bind(assay_rig *r, const assay_tensor *x, int input)
{
    assay_memory *m = &r->memory[x->id];
    size_t bytes = (size_t)x->count * assay_element_bytes(x, r->problem.arithmetic);
    if (m->fd < 0 && assay_memory_make(bytes, ASSAY_PLACE_START, input, m) != ASSAY_OK)
        return assay_rig_fail(r, ASSAY_VERDICT_BROKEN, "%s: no memory for %zu bytes", x->name, bytes);
    assay_reply reply = assay_session_bind(r->session, &(assay_binding){x->id, m}, 1);
    if (reply.outcome == ASSAY_ANSWERED && reply.status == ASSAY_NO_MEMORY)
        return assay_rig_fail(r, ASSAY_VERDICT_BROKEN, "%s", reply.what);
    return answered(r, "bind", &reply);
}

static int measure_round_trip(assay_rig *r)
{
    const assay_call nothing = {.kind = ASSAY_CALL_POISON, .what = 0};
    double seconds[ROUND_TRIPS];
    for (int k = 0; k < ROUND_TRIPS; k++) {
        assay_timing t;
        if (!assay_rig_run(r, &nothing, 1, &t)) return 0;
        seconds[k] = t.seconds;
    }
    r->round_trip = assay_stats_of(seconds, ROUND_TRIPS).median;
    return 1;
}

int assay_rig_plan(assay_rig *r, const assay_values *given)
{
    if (r->verdict != ASSAY_VERDICT_PASS) return 0;
    if (r->plans++ == 0) r->start = assay_session_memory(r->session, 1).now;
    r->runs = 0;
    assay_reply reply = assay_session_plan(r->session, &r->problem, ASSAY_PLACE_START, &r->sizes);
    if (!answered(r, "plan", &reply)) return 0;
    r->planned = 1;
    for (int k = 0; k < r->tensor_count; k++) {
        const assay_tensor *x = &r->tensors[k];
        int input = given->at[x->id] != NULL;
        if ((input || wanted(r, x)) && !bind(r, x, input)) return 0;
    }
    return measure_round_trip(r);
}

int assay_rig_park(assay_rig *r)
{
    if (r->verdict != ASSAY_VERDICT_PASS) return 0;
    r->planned = 0;
    assay_reply reply = assay_session_unplan(r->session);
    return answered(r, "plan_free", &reply);
}

int64_t assay_rig_footprint(const assay_rig *r)
{
    const int64_t most = r->session ? assay_session_memory(r->session, 0).most : r->most;
    return r->start >= 0 && most >= 0 ? most - r->start : -1;
}

int assay_rig_logits(assay_rig *r, int on)
{
    assay_tensor x;
    if (r->verdict != ASSAY_VERDICT_PASS) return 0;
    if (!assay_tensor_find(&r->problem, ASSAY_LOGITS, &x)) return 1;
    r->logits = on;
    if (on) return !r->planned || bind(r, &x, 0);
    if (r->memory[ASSAY_LOGITS].fd >= 0) assay_memory_free(&r->memory[ASSAY_LOGITS]);
    r->memory[ASSAY_LOGITS].fd = -1;
    if (!r->planned) return 1;
    assay_reply reply = assay_session_bind(r->session, &(assay_binding){ASSAY_LOGITS, NULL}, 1);
    return answered(r, "bind", &reply);
}

int assay_rig_store(assay_rig *r, const assay_values *given)
{
    static const assay_call poison = {.kind = ASSAY_CALL_POISON, .what = 1 | 2 | 4 | 8};
    /* Blocks as large as a plan likes are filled before there is anything to compute ahead from. */
    if (!assay_rig_run(r, &poison, 1, NULL)) return 0;
    for (int k = 0; k < r->tensor_count; k++) {
        const assay_tensor *x = &r->tensors[k];
        assay_memory *m = &r->memory[x->id];
        if (given->at[x->id])
            assay_values_store(x, r->problem.arithmetic, given->at[x->id], assay_memory_data(m));
        else if (m->fd >= 0 && !m->input)
            assay_memory_poison(m);
    }
    r->mark = assay_session_processor(r->session);
    return 1;
}

int assay_rig_run(assay_rig *r, const assay_call *calls, int count, assay_timing *t)
{
    assay_timing unused, *seen = t ? t : &unused;
    if (r->verdict != ASSAY_VERDICT_PASS) return 0;
    const double before = t ? assay_session_in_line(r->session) : -1;
    assay_reply reply = assay_session_run(r->session, calls, count, 1, 1, NULL, seen);
    if (before >= 0) { /* threads that ended are gone from it */
        const double after = assay_session_in_line(r->session);
        seen->waited_seconds = after < 0 ? -1 : after - before;
    }
    if (reply.outcome == ASSAY_ANSWERED && seen->printed > 0)
        return assay_rig_fail(r, ASSAY_VERDICT_FAIL, "environment: a call %s", reply.what);
    if (!answered(r, "run", &reply)) return 0;
    if (seen->fp_changed)
        return assay_rig_fail(r, ASSAY_VERDICT_FAIL,
                              "environment: a call left the floating-point environment changed: expected rounding to "
                              "nearest, subnormals kept");
    for (int k = 0; k < count; k++)
        r->runs += calls[k].kind == ASSAY_CALL_RUN;
    if (seen->threads > r->threads) r->threads = seen->threads;
    return 1;
}

int assay_rig_run_again(assay_rig *r, const assay_call *calls, int count, assay_timing *t)
{
    int32_t threads = r->threads;
    if (!assay_rig_run(r, calls, count, t)) return 0;
    if (t->allocations > 0 && !r->about.allocates)
        return assay_rig_fail(r, ASSAY_VERDICT_FAIL, "environment: a timed call made %lld heap allocations, 0 expected",
                              (long long)t->allocations);
    if (r->runs > MAY_START_THREADS && t->threads > threads)
        return assay_rig_fail(r, ASSAY_VERDICT_FAIL, "environment: %d threads after a timed call, %d before",
                              (int)t->threads, (int)threads);
    return 1;
}

int assay_rig_unpack(assay_rig *r, assay_timing *t)
{
    static const assay_call unpack = {.kind = ASSAY_CALL_UNPACK};
    return assay_rig_run(r, &unpack, 1, t);
}

void assay_rig_read_one(assay_rig *r, int id, assay_values *out)
{
    assay_tensor x;
    if (!out->at[id] || r->memory[id].fd < 0 || !assay_tensor_find(&r->problem, id, &x)) return;
    assay_values_load(&x, r->problem.arithmetic, assay_memory_data(&r->memory[id]), out->at[id]);
}

int assay_rig_room(assay_rig *r, unsigned roles, assay_values *out)
{
    if (r->verdict != ASSAY_VERDICT_PASS) return 0;
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (out->at[id]) return 1;
    if (assay_values_make(&r->problem, roles, out) != ASSAY_OK)
        return assay_rig_fail(r, ASSAY_VERDICT_BROKEN, "no memory for the results");
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (r->memory[id].fd < 0) assay_values_drop(out, id);
    return 1;
}

void assay_rig_read(assay_rig *r, unsigned roles, assay_values *out)
{
    for (int k = 0; k < r->tensor_count; k++)
        if (roles >> r->tensors[k].role & 1u) assay_rig_read_one(r, r->tensors[k].id, out);
}

void assay_rig_end(assay_rig *r)
{
    for (int id = 0; id < ASSAY_TENSORS; id++) {
        if (r->memory[id].map) assay_memory_free(&r->memory[id]);
        r->memory[id] = (assay_memory){.fd = -1};
    }
    if (r->session) r->most = assay_session_memory(r->session, 0).most;
    assay_session_end(r->session);
    r->session = NULL;
}
