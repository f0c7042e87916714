/* calls.c: a program of calls as the parent asks for it, and what is measured around it.
 * SPDX-License-Identifier: MIT */
#include "conformance/clock.h"
#include "conformance/worker/server.h"

#include <fenv.h>
#include <stdio.h>
#include <string.h>

/* 1 unless rounding is to nearest, subnormals are kept and exceptions don't trap, as a process starts. */
static int environment_changed(void)
{
#if defined(__x86_64__)
    enum { FLAGS = 0x3f, DEFAULT = 0x1f80 }; /* MXCSR: the sticky flags are nobody's concern */
    return (int)(__builtin_ia32_stmxcsr() & 0xffffu & ~(unsigned)FLAGS) != DEFAULT || fegetround() != FE_TONEAREST;
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control != 0;
#else
    return fegetround() != FE_TONEAREST;
#endif
}

const assay_explains *assay_server_explains(const assay_server *s)
{
    return s->impl->extension ? s->impl->extension(ASSAY_EXT_EXPLAINS) : NULL;
}

static void add_reason(const assay_server *s, char *what)
{
    const assay_explains *explains = assay_server_explains(s);
    const char *reason = explains && explains->last ? explains->last() : NULL;
    const size_t used = strlen(what);
    if (reason && reason[0]) snprintf(what + used, ASSAY_WIRE_WHAT - used, ": %s", reason);
}

assay_status assay_server_status(const assay_server *s, int returned, const char *call, char *what)
{
    static const char *const names[] = {"ASSAY_OK",        "ASSAY_UNSUPPORTED", "ASSAY_BAD_ARGUMENT",
                                        "ASSAY_NO_MEMORY", "ASSAY_NO_DEVICE",   "ASSAY_FAILED"};
    if (returned == ASSAY_OK) return ASSAY_OK;
    if (returned < 0 || returned > ASSAY_FAILED) {
        snprintf(what, ASSAY_WIRE_WHAT, "%s returned %d, which is no assay_status", call, returned);
        return ASSAY_FAILED;
    }
    snprintf(what, ASSAY_WIRE_WHAT, "%s returned %s", call, names[returned]);
    if (returned != ASSAY_UNSUPPORTED) add_reason(s, what);
    return (assay_status)returned;
}

/* Where a slot's pointer lies in assay_args, and its second place: integers are passed twice. */
static const struct {
    size_t at, twin;
} slots[ASSAY_SLOTS] = {
#define ONE(slot, member) [slot] = {offsetof(assay_args, member), offsetof(assay_args, member)}
#define TWO(slot, member) [slot] = {offsetof(assay_args, member), offsetof(assay_args, member##_dev)}
    ONE(ASSAY_X, x),
    TWO(ASSAY_IDS, ids),
    TWO(ASSAY_LENS, lens),
    TWO(ASSAY_LABELS, labels),
    TWO(ASSAY_LABEL_LENS, label_lens),
    ONE(ASSAY_H0, h0),
    ONE(ASSAY_C0, c0),
    ONE(ASSAY_MASK, mask),
    ONE(ASSAY_CLASS_WEIGHTS, class_weights),
    ONE(ASSAY_DY, dy),
    ONE(ASSAY_DHN, dhn),
    ONE(ASSAY_DCN, dcn),
    ONE(ASSAY_DLOSS, dloss),
    ONE(ASSAY_Y, y),
    ONE(ASSAY_HN, hn),
    ONE(ASSAY_CN, cn),
    ONE(ASSAY_LOGITS, logits),
    ONE(ASSAY_LOSS_ROWS, loss_rows),
    ONE(ASSAY_LOSS, loss),
    ONE(ASSAY_DX, dx),
    ONE(ASSAY_DH0, dh0),
    ONE(ASSAY_DC0, dc0),
#undef ONE
#undef TWO
};

static const size_t families[ASSAY_FAMILIES] = {
    [ASSAY_PARAM] = offsetof(assay_args, param),
    [ASSAY_M] = offsetof(assay_args, m),
    [ASSAY_V] = offsetof(assay_args, v),
    [ASSAY_DPARAM] = offsetof(assay_args, dparam),
    [ASSAY_PARAM_1] = offsetof(assay_args, param_1),
    [ASSAY_M_1] = offsetof(assay_args, m_1),
    [ASSAY_V_1] = offsetof(assay_args, v_1),
};

void assay_server_point(assay_server *s, int id)
{
    void *data = assay_server_data(s, id), *here = s->regions[id].data;
    unsigned char *args = (unsigned char *)&s->args;
    if (id < ASSAY_SLOTS) {
        memcpy(args + slots[id].twin, &data, sizeof data);
        if (slots[id].at != slots[id].twin) memcpy(args + slots[id].at, &here, sizeof here);
    } else {
        int family = (id - ASSAY_SLOTS) / ASSAY_MAX_PARAMS, param = (id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS;
        memcpy(args + families[family] + (size_t)param * sizeof data, &data, sizeof data);
    }
}

void assay_server_unbind(assay_server *s)
{
    for (int id = 0; id < ASSAY_TENSORS; id++) {
        if (!s->regions[id].base) continue;
        assay_server_release(s, id);
        assay_server_point(s, id);
    }
}

static const char *run_name(int pass)
{
    static const char *const names[] = {"run (infer)",    "run (train)",  "run (loss)",
                                        "run (backward)", "run (update)", "run (step)"};
    return pass >= ASSAY_INFER && pass <= ASSAY_STEP ? names[pass] : NULL;
}

/* The plugin gets a copy of the arguments: what it writes into them is gone with the call. */
static assay_status call_plugin(assay_server *s, const assay_call *call, int64_t step, char *what)
{
    assay_args args = s->args;
    const assay_impl *impl = s->impl;
    int64_t (*count)(void) = s->options->allocations, before = count ? count() : 0;
    assay_stream stream = s->device ? assay_device_stream(s->device) : NULL;
    int returned = ASSAY_BAD_ARGUMENT;
    args.accumulate = call->accumulate;
    args.step = step;
    if (call->kind == ASSAY_CALL_PACK) {
        s->scene.doing = "pack";
        if (impl->pack) returned = (int)impl->pack(s->plan, &args, stream);
    } else if (call->kind == ASSAY_CALL_UNPACK) {
        s->scene.doing = "unpack";
        if (impl->unpack) returned = (int)impl->unpack(s->plan, &args, stream);
    } else {
        s->scene.doing = run_name(call->pass);
        returned = (int)impl->run(s->plan, (assay_pass)call->pass, &args, stream);
    }
    if (count) s->allocations += count() - before; /* its own: a driver may allocate to poison a block */
    assay_status st = assay_server_status(s, returned, s->scene.doing, what);
    if (st == ASSAY_BAD_ARGUMENT &&
        ((call->kind == ASSAY_CALL_PACK && !impl->pack) || (call->kind == ASSAY_CALL_UNPACK && !impl->unpack)))
        snprintf(what, ASSAY_WIRE_WHAT, "its table has no %s()", s->scene.doing);
    return st;
}

static assay_status one_call(assay_server *s, const assay_call *call, int64_t step, char *what)
{
    switch (call->kind) {
    case ASSAY_CALL_POISON:
        return assay_server_poison(s, call->what, what);
    case ASSAY_CALL_UNBIND_ALL:
        assay_server_unbind(s);
        return ASSAY_OK;
    default:
        return call_plugin(s, call, step, what);
    }
}

static int well_formed(const assay_server *s, const assay_request *q)
{
    if (!s->plan || q->run.count < 0 || q->run.count > ASSAY_WIRE_CALLS) return 0;
    for (int k = 0; k < q->run.count; k++) {
        const assay_call *call = &q->run.calls[k];
        if (call->kind < ASSAY_CALL_PACK || call->kind > ASSAY_CALL_UNBIND_ALL) return 0;
        if (call->kind == ASSAY_CALL_RUN && !run_name(call->pass)) return 0;
    }
    return 1;
}

static assay_status all_calls(assay_server *s, const assay_request *q, assay_answer *a)
{
    assay_status st = ASSAY_OK;
    for (int again = 0; again < q->run.repeat && st == ASSAY_OK; again++)
        for (int k = 0; k < q->run.count && st == ASSAY_OK; k++) {
            const assay_call *call = &q->run.calls[k];
            a->run.failed = k;
            st = one_call(s, call, call->step + (int64_t)again * q->run.step_stride, a->what);
        }
    return st;
}

void assay_server_run(assay_server *s, const assay_request *q, assay_answer *a)
{
    if (!well_formed(s, q)) {
        a->status = ASSAY_BAD_ARGUMENT;
        snprintf(a->what, sizeof a->what, s->plan ? "not a program of calls" : "no plan to run");
        return;
    }
    s->allocations = 0;
    double start = assay_clock();
    a->status = assay_server_mark(s, 0, a->what);
    if (a->status == ASSAY_OK) a->status = all_calls(s, q, a);
    if (a->status == ASSAY_OK) a->status = assay_server_mark(s, 1, a->what);
    if (s->device) a->status = assay_server_settle(s, (assay_status)a->status, a->what);
    a->run.seconds = assay_clock() - start;
    if (a->status == ASSAY_OK) a->status = assay_server_elapsed(s, &a->run.seconds, a->what);
    a->run.allocations = s->options->allocations ? s->allocations : -1;
    a->run.fp_changed = environment_changed();
    if (!s->device) a->status = assay_server_settle(s, (assay_status)a->status, a->what);
}
