/* rig.h: one implementation set up on one workload in its worker: restore a state, run calls under the clock, read
 * back. SPDX-License-Identifier: MIT */
#ifndef ASSAY_RIG_H
#define ASSAY_RIG_H

#include "conformance/session.h"
#include "conformance/values.h"
#include "conformance/verdict.h"
#include "reference/tensors.h"

/* What failed first stays: verdict, why; every later call is refused. */
typedef struct assay_rig {
    assay_session *session;
    assay_problem problem;
    assay_arithmetic declared;
    assay_session_info about;
    assay_memory memory[ASSAY_TENSORS];
    assay_tensor tensors[ASSAY_TENSORS];
    int32_t tensor_count;
    int32_t given;         /* threads that it was started with */
    int32_t threads, runs; /* most threads seen in the worker; calls of run() so far */
    assay_sizes sizes;     /* of the plan's four blocks, bytes */
    int64_t start;         /* bytes that its worker had before the plan; -1: unknown */
    int64_t most;          /* the most that it had until assay_rig_end(); -1: unknown */
    int32_t plans;         /* times that it was planned ... */
    int planned, logits;   /* ... and whether it is; whether logits are wanted */
    double round_trip;     /* seconds of a request that does nothing, median */
    double mark;           /* processor time of its worker from which on work is done ahead of the next call */
    assay_verdict verdict; /* PASS as long as all is well */
    char why[256];
} assay_rig;

/* Starts the worker, loads the plugin, asks whether it supports p. 1 if so. Nothing that depends on a seed exists yet.
 * From then on the worker's threads stand still but while it answers. */
int assay_rig_start(assay_rig *r, const char *plugin, const assay_session_options *o, const assay_problem *p);

/* Plans, makes and binds every tensor that is there in `given`, and y, losses, parameter gradients, updated tensors.
 * Logits are wanted only while assay_rig_logits(r, 1) holds, which needs no plan. Measures the round trip. */
int assay_rig_plan(assay_rig *r, const assay_values *given);
/* Gives up the plan and what the worker holds for it; the worker stays, and so do the tensors on this side. The next
 * assay_rig_plan() binds them again, after which the implementation's next calls are its first ones. */
int assay_rig_park(assay_rig *r);
/* Bytes that the worker had at the most above what it had before the first plan; -1: unknown. */
int64_t assay_rig_footprint(const assay_rig *r);
int assay_rig_logits(assay_rig *r, int wanted);

/* Puts NaN into outputs and all four blocks of the plan, then, while the worker stands still, the numbers of a block
 * into the tensors: what it does with them counts from here on (assay_rig_ahead). What comes next has to be PACK. */
int assay_rig_store(assay_rig *r, const assay_values *given);

/* Calls in one request; *t may be NULL. A call that printed, or left the floating-point environment changed, fails. */
int assay_rig_run(assay_rig *r, const assay_call *calls, int count, assay_timing *t);
/* The same of calls that the implementation has had before: those neither allocate nor start threads. */
int assay_rig_run_again(assay_rig *r, const assay_call *calls, int count, assay_timing *t);

/* UNPACK; *t = what it took. */
int assay_rig_unpack(assay_rig *r, assay_timing *t);
/* Room for what can be read of these roles, if *out is empty. */
int assay_rig_room(assay_rig *r, unsigned roles, assay_values *out);
/* Those tensors of these roles that *out has room for, as doubles, as they lie there while the worker stands still:
 * what is not there when the call has returned is not there. */
void assay_rig_read(assay_rig *r, unsigned roles, assay_values *out);
void assay_rig_read_one(assay_rig *r, int id, assay_values *out);

/* Processor time of the worker, all its threads, since the numbers of the block were there or, if assay_rig_mark() was
 * called, since the clock around the request before that call was read: what was done ahead of the call that comes
 * next, also between an answer and the stop behind it. 0 where the system doesn't tell. */
double assay_rig_ahead(const assay_rig *r);
void assay_rig_mark(assay_rig *r);

/* Ends it with a verdict; returns 0. */
int assay_rig_fail(assay_rig *r, assay_verdict v, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Ends the worker and frees the tensors; what is known about the implementation and its verdict stay. Twice and on a
 * zeroed one is fine. */
void assay_rig_end(assay_rig *r);

#endif
