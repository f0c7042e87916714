/* trial.c: runs passes of a plugin on given data in its worker, and reads back what it made.
 * SPDX-License-Identifier: MIT */
#include "conformance/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assay_trial_end(assay_trial *t, assay_verdict v, const char *format, ...)
{
    va_list list;
    if (t->over) return;
    t->over = 1;
    t->verdict = assay_verdict_worse(t->verdict, v);
    va_start(list, format);
    vsnprintf(t->why, sizeof t->why, format, list);
    va_end(list);
}

void assay_trial_release(assay_trial *t)
{
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (t->memory[id].map) assay_memory_free(&t->memory[id]);
    memset(t->memory, 0, sizeof t->memory);
    memset(t->bound, 0, sizeof t->bound);
}

/* What a reply means for the trial: 1 = go on. */
static int goes_on(assay_trial *t, const assay_reply *r, const char *doing)
{
    if (r->outcome == ASSAY_ANSWERED && r->status == ASSAY_OK) return 1;
    const char *what = r->what[0] ? r->what : "no reason given";
    if (r->outcome == ASSAY_DIED)
        assay_trial_end(t, ASSAY_VERDICT_CRASHED, "%s: %s", doing, what);
    else if (r->outcome == ASSAY_TIMED_OUT)
        assay_trial_end(t, ASSAY_VERDICT_TIMEOUT, "%s: %s", doing, what);
    else if (r->outcome == ASSAY_MUTE)
        assay_trial_end(t, ASSAY_VERDICT_CRASHED, "%s: the worker stopped answering: %s", doing, what);
    else if (r->status == ASSAY_NO_MEMORY)
        assay_trial_end(t, ASSAY_VERDICT_FAIL, "%s: returned ASSAY_NO_MEMORY: %s", doing, what);
    else
        assay_trial_end(t, ASSAY_VERDICT_FAIL, "%s: returned status %d: %s", doing, (int)r->status, what);
    return 0;
}

static int plan(assay_trial *t)
{
    assay_sizes sizes;
    if (t->planned) return 1;
    assay_trial_release(t);
    assay_reply r = assay_session_plan(t->session, &t->subject->p, t->placement, &sizes);
    t->planned = goes_on(t, &r, "plan");
    return t->planned;
}

static int is_input(const assay_tensor *x)
{
    return (ASSAY_ROLES_GIVEN >> x->role & 1u) != 0;
}

/* Binds or unbinds one tensor, so that the worker sees it iff it is there in this run. */
static int bind(assay_trial *t, const assay_tensor *x, int there)
{
    assay_memory *m = &t->memory[x->id];
    size_t bytes = (size_t)x->count * assay_element_bytes(x, t->subject->p.arithmetic);
    if (there && !m->map && assay_memory_make(bytes, t->placement, is_input(x), m) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no shared memory for %s: %zu bytes asked", x->name, bytes);
        return 0;
    }
    if (there == t->bound[x->id]) return 1;
    assay_reply r = assay_session_bind(t->session, x->id, there ? m : NULL);
    t->bound[x->id] = (unsigned char)there;
    return goes_on(t, &r, "bind");
}

static int program(assay_routine routine, const assay_problem *p, int64_t step, assay_call *c)
{
    int n = 0, network = p->op == ASSAY_OP_NETWORK, packs = network || p->op == ASSAY_OP_RNN;
    const assay_call scratch = {.kind = ASSAY_CALL_POISON, .what = 4}, all = {.kind = ASSAY_CALL_POISON, .what = 15};
    const assay_call gradients = {.kind = ASSAY_CALL_POISON, .what = 2 | 4};
    const assay_call pack = {.kind = ASSAY_CALL_PACK}, unpack = {.kind = ASSAY_CALL_UNPACK};
#define RUN(pass_, accumulate_)                                                                                        \
    (assay_call){.kind = ASSAY_CALL_RUN, .pass = (pass_), .accumulate = (accumulate_), .step = step}
    c[n++] = all;
    if (packs) c[n++] = pack;
    if (routine == ASSAY_ROUTINE_INFER || routine == ASSAY_ROUTINE_STEP) {
        c[n++] = RUN(routine == ASSAY_ROUTINE_INFER ? ASSAY_INFER : ASSAY_STEP, 0);
    } else {
        c[n++] = RUN(ASSAY_TRAIN, 0);
        c[n++] = scratch;
        if (network) {
            c[n++] = RUN(ASSAY_LOSS_PASS, 0);
            c[n++] = scratch;
        }
        if (routine != ASSAY_ROUTINE_TRAIN) c[n++] = RUN(ASSAY_BACKWARD, 0);
        if (routine == ASSAY_ROUTINE_TWICE || routine == ASSAY_ROUTINE_AGAIN) {
            c[n++] = routine == ASSAY_ROUTINE_TWICE ? scratch : gradients;
            c[n++] = RUN(ASSAY_BACKWARD, routine == ASSAY_ROUTINE_TWICE);
        }
        if (routine == ASSAY_ROUTINE_UPDATE) {
            c[n++] = scratch;
            c[n++] = RUN(ASSAY_UPDATE, 0);
        }
    }
    if (packs && routine != ASSAY_ROUTINE_INFER && routine != ASSAY_ROUTINE_TRAIN) c[n++] = unpack;
#undef RUN
    return n;
}

/* Tensors past this routine's reach are not handed over. */
static unsigned reach(assay_routine routine)
{
    if (routine <= ASSAY_ROUTINE_TRAIN) return ASSAY_FORWARD_ROLE;
    if (routine <= ASSAY_ROUTINE_AGAIN) return ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;
    return ASSAY_ROLES_WANTED;
}

/* Inference of a network ends with its logits. */
static int is_network_loss(const assay_problem *p, const assay_tensor *x)
{
    return p->op == ASSAY_OP_NETWORK && (x->id == ASSAY_LOSS || x->id == ASSAY_LOSS_ROWS);
}

static void check_canary(assay_trial *t, const assay_tensor *x)
{
    char what[40];
    int64_t at = assay_memory_canary_broken(&t->memory[x->id]);
    if (at == -1) return;
    snprintf(what, sizeof what, "%s (outside)", x->name);
    assay_finding f = assay_finding_exact(what, "canary", 0, at);
    assay_trial_add(t, &f);
}

int assay_trial_run(assay_trial *t, assay_routine routine, const assay_values *given, unsigned wanted,
                    const unsigned char *skip, assay_values *got)
{
    const assay_problem *p = &t->subject->p;
    assay_tensor list[ASSAY_TENSORS];
    assay_call calls[16];
    memset(got, 0, sizeof *got);
    if (t->over || !plan(t)) return 0;
    wanted &= reach(routine);
    if (assay_values_make(p, wanted, got) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for results");
        return 0;
    }
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count && !t->over; k++) {
        const assay_tensor *x = &list[k];
        int unmade = routine == ASSAY_ROUTINE_INFER && is_network_loss(p, x);
        if (!is_input(x) && (unmade || (skip && skip[x->id]))) assay_values_drop(got, x->id);
        int there = is_input(x) ? given->at[x->id] != NULL : got->at[x->id] != NULL;
        if (!bind(t, x, there) || !there) continue;
        assay_memory_poison(&t->memory[x->id]);
        if (is_input(x)) assay_values_store(x, p->arithmetic, given->at[x->id], assay_memory_data(&t->memory[x->id]));
    }
    if (!t->over) {
        assay_reply r =
            assay_session_run(t->session, calls, program(routine, p, t->subject->step, calls), 1, 0, NULL, &t->timing);
        goes_on(t, &r, "run");
    }
    if (!t->over && (t->timing.printed > 0 || t->timing.fp_changed)) {
        assay_finding f =
            assay_finding_exact(t->timing.printed > 0 ? "it printed" : "floating-point environment changed", "contract",
                                0, t->timing.printed);
        assay_trial_add(t, &f);
    }
    for (int k = 0; k < count && !t->over; k++) {
        const assay_tensor *x = &list[k];
        if (!t->bound[x->id]) continue;
        check_canary(t, x);
        if (!is_input(x)) assay_values_load(x, p->arithmetic, assay_memory_data(&t->memory[x->id]), got->at[x->id]);
    }
    if (t->over) assay_values_free(got);
    return !t->over;
}
