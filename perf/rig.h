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
    int32_t resting;       /* 1: its worker is stopped */
    double round_trip;     /* seconds of a request that does nothing, median */
    assay_verdict verdict; /* PASS as long as all is well */
    char why[256];
} assay_rig;

/* Starts the worker, loads the plugin, asks whether it supports p. 1 if so. Nothing that depends on a seed exists yet.
 */
int assay_rig_start(assay_rig *r, const char *plugin, const assay_session_options *o, const assay_problem *p);

/* Plans, makes and binds every tensor that is there in `given`, and y, losses, parameter gradients, updated tensors.
 * Logits are wanted only while assay_rig_logits(r, 1) holds. Measures the round trip. */
int assay_rig_plan(assay_rig *r, const assay_values *given);
int assay_rig_logits(assay_rig *r, int wanted);

/* Puts a state into the tensors and packs it: blocks before the clock starts. */
int assay_rig_restore(assay_rig *r, const assay_values *given);

/* Calls in one request, the whole `repeat` times; *t may be NULL. */
int assay_rig_run(assay_rig *r, const assay_call *calls, int count, int repeat, assay_timing *t);
/* One RUN of a pass at an optimizer step, `repeat` times, the step going up by one each time. */
int assay_rig_pass(assay_rig *r, assay_pass pass, int64_t step, int repeat, assay_timing *t);

/* Makes *out with the tensors of these roles as doubles, after UNPACK where that is what brings them. */
int assay_rig_read(assay_rig *r, unsigned roles, assay_values *out);

/* Stops the worker's threads until the next request, so that they don't spin while another implementation is timed. */
void assay_rig_rest(assay_rig *r);

/* Fills outputs with NaN, so that what is read afterwards was written by the calls in between. */
void assay_rig_poison(assay_rig *r);

/* Ends it with a verdict; returns 0. */
int assay_rig_fail(assay_rig *r, assay_verdict v, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Ends the worker and frees the tensors; what is known about the implementation and its verdict stay. Twice and on a
 * zeroed one is fine. */
void assay_rig_end(assay_rig *r);

#endif
