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
    if (v < t->verdict) return; /* why speaks of the verdict that counts: a failure before this */
    t->verdict = v;
    va_start(list, format);
    vsnprintf(t->why, sizeof t->why, format, list);
    va_end(list);
}

void assay_trial_release(assay_trial *t)
{
    assay_trial_forget_beside(t);
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (t->memory[id].map) assay_memory_free(&t->memory[id]);
    memset(t->memory, 0, sizeof t->memory);
    memset(t->bound, 0, sizeof t->bound);
}

int assay_trial_goes_on(assay_trial *t, const assay_reply *r, const char *doing)
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
        assay_trial_end(t, ASSAY_VERDICT_FAIL, "%s: %s", doing, what); /* which names the call and its status */
    return 0;
}

int assay_trial_plan(assay_trial *t)
{
    assay_sizes sizes;
    if (t->planned) return 1;
    assay_trial_release(t);
    assay_reply r = assay_session_plan(t->session, &t->subject->p, t->placement, &sizes);
    t->planned = assay_trial_goes_on(t, &r, "plan");
    t->list_count = assay_tensors_of(&t->subject->p, t->list);
    return t->planned;
}

static int is_input(const assay_tensor *x)
{
    return (ASSAY_ROLES_GIVEN >> x->role & 1u) != 0;
}

/* Parameters and moments: pack() alone reads them, so a run without it finds NaN there. */
static int is_packed(const assay_tensor *x)
{
    return x->role == ASSAY_ROLE_INPUT && x->id >= ASSAY_SLOTS;
}

static int has_memory(assay_trial *t, const assay_tensor *x)
{
    assay_memory *m = &t->memory[x->id];
    size_t bytes = (size_t)x->count * assay_element_bytes(x, t->subject->p.arithmetic);
    if (m->map || assay_memory_make(bytes, t->placement, is_input(x), m) == ASSAY_OK) return 1;
    assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no shared memory for %s: %zu bytes asked", x->name, bytes);
    return 0;
}

void assay_trial_move_inputs(assay_trial *t, const assay_values *given)
{
    const assay_placement usual = t->placement;
    t->placement = usual == ASSAY_PLACE_START ? ASSAY_PLACE_END : ASSAY_PLACE_START;
    for (int k = 0; k < t->list_count && !t->over; k++) {
        const assay_tensor *x = &t->list[k];
        if (!is_input(x) || !given->at[x->id] || !t->memory[x->id].map) continue;
        assay_memory_free(&t->memory[x->id]);
        memset(&t->memory[x->id], 0, sizeof t->memory[x->id]);
        t->bound[x->id] = 0;
        has_memory(t, x);
    }
    t->placement = usual;
}

/* Binds and unbinds, so that the worker sees those tensors that are there in this run. */
static void bind(assay_trial *t, const assay_binding *list, int count)
{
    if (count == 0) return;
    assay_reply r = assay_session_bind(t->session, list, count);
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_NO_MEMORY) { /* the harness owns tensors, on a device too */
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "%s", r.what);
        return;
    }
    if (!assay_trial_goes_on(t, &r, "bind")) return;
    for (int k = 0; k < count; k++)
        t->bound[list[k].id] = list[k].memory != NULL;
}

/* Each routine as a program, one letter a call, and the tensors that are handed over: those past its reach are not. */
static const struct {
    const char *letters;
    unsigned reach;
} routines[] = {
    [ASSAY_ROUTINE_INFER] = {"apI", ASSAY_FORWARD_ROLE},
    [ASSAY_ROUTINE_FORWARD] = {"apT", ASSAY_FORWARD_ROLE},
    [ASSAY_ROUTINE_TRAIN] = {"apTwL", ASSAY_FORWARD_ROLE},
    [ASSAY_ROUTINE_BACKWARD] = {"apTwLwBu", ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE},
    [ASSAY_ROUTINE_UPDATE] = {"apTwLwBwUu", ASSAY_ROLES_WANTED},
    [ASSAY_ROUTINE_STEP] = {"apSu", ASSAY_ROLES_WANTED},
    [ASSAY_ROUTINE_RELOAD] = {"apu", ASSAY_UPDATED_ROLE},
    [ASSAY_ROUTINE_BACKWARD_AGAIN] = {"gwBu", ASSAY_GRADIENT_ROLE},
    [ASSAY_ROUTINE_BACKWARD_ALONE] = {"gwBu", ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE},
    [ASSAY_ROUTINE_BACKWARD_ADD] = {"wAu", ASSAY_GRADIENT_ROLE},
    [ASSAY_ROUTINE_TRAIN_ADD] = {"wrTwLwAu", ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE},
    [ASSAY_ROUTINE_INFER_ON] = {"wrgI", ASSAY_FORWARD_ROLE},
    [ASSAY_ROUTINE_INFER_BETWEEN] = {"wI", ASSAY_FORWARD_ROLE},
    [ASSAY_ROUTINE_LOSS_ON] = {"wL", ASSAY_FORWARD_ROLE},
    [ASSAY_ROUTINE_UNPACK_ON] = {"u", ASSAY_GRADIENT_ROLE | ASSAY_UPDATED_ROLE},
    [ASSAY_ROUTINE_UPDATE_ON] = {"wrgTwLwBwUu", ASSAY_ROLES_WANTED},
    [ASSAY_ROUTINE_STEP_ON] = {"wrgSu", ASSAY_ROLES_WANTED},
    [ASSAY_ROUTINE_STEP_ADD] = {"wrgsu", ASSAY_ROLES_WANTED},
    [ASSAY_ROUTINE_UPDATE_AGAIN] = {"wUu", ASSAY_GRADIENT_ROLE | ASSAY_UPDATED_ROLE},
    [ASSAY_ROUTINE_UPDATE_SUM] = {"wrgTLBwrTwLwAwUu", ASSAY_ROLES_WANTED},
};

/* Parameters and moments are there for packing; LOSS_PASS is a network's. */
enum { FOR_ALL, FOR_PARAMETERS, FOR_NETWORKS };

static const struct {
    char letter;
    int who;
    assay_call call;
} alphabet[] = {
    {'a', FOR_ALL, {.kind = ASSAY_CALL_POISON, .what = 15}},
    {'g', FOR_ALL, {.kind = ASSAY_CALL_POISON, .what = 2}},
    {'w', FOR_ALL, {.kind = ASSAY_CALL_POISON, .what = 4}},
    {'r', FOR_ALL, {.kind = ASSAY_CALL_POISON, .what = 8}},
    {'p', FOR_PARAMETERS, {.kind = ASSAY_CALL_PACK}},
    {'u', FOR_PARAMETERS, {.kind = ASSAY_CALL_UNPACK}},
    {'I', FOR_ALL, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_INFER}},
    {'T', FOR_ALL, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_TRAIN}},
    {'L', FOR_NETWORKS, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_LOSS_PASS}},
    {'B', FOR_ALL, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_BACKWARD}},
    {'A', FOR_ALL, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_BACKWARD, .accumulate = 1}},
    {'U', FOR_NETWORKS, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_UPDATE}},
    {'S', FOR_NETWORKS, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_STEP}},
    {'s', FOR_NETWORKS, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_STEP, .accumulate = 1}},
};

static int program(const char *letters, const assay_problem *p, int64_t step, assay_call *out)
{
    int n = 0, network = p->op == ASSAY_OP_NETWORK, parameters = network || p->op == ASSAY_OP_RNN;
    for (; *letters; letters++) {
        for (size_t k = 0; k < sizeof alphabet / sizeof *alphabet; k++) {
            int who = alphabet[k].who;
            if (alphabet[k].letter != *letters) continue;
            if ((who == FOR_NETWORKS && !network) || (who == FOR_PARAMETERS && !parameters)) continue;
            out[n] = alphabet[k].call;
            out[n++].step = step;
        }
    }
    return n;
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
    const int64_t behind = at - (int64_t)t->memory[x->id].bytes;
    snprintf(f.place, sizeof f.place, "byte %lld %s", (long long)(at < 0 ? -at - 1 : behind + 1),
             at < 0 ? "before its begin" : "behind its end");
    assay_trial_add(t, &f);
}

/* What lies between rows is nobody's: there the memory is as it was before the run. */
static void check_gaps(assay_trial *t, const assay_tensor *x)
{
    char what[40];
    int64_t at = assay_values_gap_written(x, t->subject->p.arithmetic, assay_memory_data(&t->memory[x->id]));
    if (at < 0) return;
    snprintf(what, sizeof what, "%s (between rows)", x->name);
    assay_finding f = assay_finding_exact(what, "canary", 0, at);
    assay_trial_add(t, &f);
}

/* Room for what comes back, NaN in the plugin's outputs, data in its inputs. */
static void hand_over(assay_trial *t, const char *letters, const assay_values *given, unsigned wanted,
                      const unsigned char *skip, assay_values *got)
{
    const int packs = strchr(letters, 'p') != NULL, infers = strchr(letters, 'I') != NULL;
    assay_binding changed[ASSAY_TENSORS];
    int count = 0;
    for (int k = 0; k < t->list_count && !t->over; k++) {
        const assay_tensor *x = &t->list[k];
        int unmade = (infers && is_network_loss(&t->subject->p, x)) || (skip && skip[x->id]);
        int there = is_input(x) ? given->at[x->id] != NULL : wanted >> x->role & 1u && !unmade;
        if (there && !is_input(x)) {
            got->at[x->id] = calloc((size_t)x->count + 1, sizeof(double));
            if (!got->at[x->id]) assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for results");
        }
        if (there && !has_memory(t, x)) break;
        if (there != t->bound[x->id]) changed[count++] = (assay_binding){x->id, there ? &t->memory[x->id] : NULL};
        if (!there) continue;
        assay_memory_poison(&t->memory[x->id]);
        if (is_input(x) && (packs || !is_packed(x)))
            assay_values_store(x, t->subject->p.arithmetic, given->at[x->id], assay_memory_data(&t->memory[x->id]));
    }
    if (!t->over) bind(t, changed, count);
}

static void bring_back(assay_trial *t, assay_values *got)
{
    for (int k = 0; k < t->list_count && !t->over; k++) {
        const assay_tensor *x = &t->list[k];
        if (!t->bound[x->id]) continue;
        check_canary(t, x);
        check_gaps(t, x);
        if (!is_input(x))
            assay_values_load(x, t->subject->p.arithmetic, assay_memory_data(&t->memory[x->id]), got->at[x->id]);
    }
}

int assay_trial_run(assay_trial *t, assay_routine routine, const assay_values *given, unsigned wanted,
                    const unsigned char *skip, assay_values *got)
{
    const char *letters = routines[routine].letters;
    assay_call calls[16];
    char printed[96] = "";
    const char *infer_only = assay_session_about(t->session)->infer_only;
    memset(got, 0, sizeof *got);
    if (!t->over && infer_only[0] && strpbrk(letters, "TSs"))
        assay_trial_end(t, ASSAY_VERDICT_UNSUPPORTED, "%s", infer_only);
    if (t->over || !assay_trial_plan(t)) return 0;
    hand_over(t, letters, given, wanted & routines[routine].reach, skip, got);
    if (!t->over) {
        if (strchr(letters, 'p')) t->updates = 0;
        int n = program(letters, &t->subject->p, t->subject->step + t->updates, calls);
        assay_reply r = assay_session_run(t->session, calls, n, 1, 0, NULL, &t->timing);
        assay_trial_goes_on(t, &r, "run");
        if (strpbrk(letters, "USs")) t->updates++;
        const char *said = strstr(r.what, "bytes: \"");
        snprintf(printed, sizeof printed, "%s", said ? strchr(said, '"') : "");
    }
    if (!t->over && (t->timing.printed > 0 || t->timing.fp_changed)) {
        assay_finding f =
            assay_finding_exact(t->timing.printed > 0 ? "it printed" : "floating-point environment changed", "contract",
                                0, t->timing.printed > 0 ? t->timing.printed : -1);
        if (t->timing.printed > 0)
            snprintf(f.place, sizeof f.place, "%lld bytes: %.60s", (long long)t->timing.printed, printed);
        assay_trial_add(t, &f);
    }
    bring_back(t, got);
    if (t->over) assay_values_free(got);
    return !t->over;
}
