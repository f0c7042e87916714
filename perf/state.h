/* state.h: the numbers of a timed step: data of a workload, parameters and moments of one of its three starting states,
 * and the truth. SPDX-License-Identifier: MIT */
#ifndef ASSAY_STATE_H
#define ASSAY_STATE_H

#include "perf/text.h"
#include "perf/workload.h"

#define ASSAY_STATES 3

/* Makes all given tensors of the workload (doubles that fp32 can hold, int32): inputs and labels as documented,
 * parameters from (seed, state) plus the documented offset, moments: zero in state 0, drawn in states 1 and 2.
 * *step = optimizer updates made before. `text` is NULL, or the token stream for ASSAY_DATA_WINDOWS (text.h).
 * The caller frees *out. Any thread. */
assay_status assay_state_make(const assay_workload *w, uint64_t seed, int state, const assay_text *text,
                              assay_values *out, int64_t *step);

/* The numbers of one timed block: those of starting state `state`, but the weights that the input meets first (W of
 * layer 0) drawn anew from (seed, state, block), so that no block asks what one before has asked: every output and
 * gradient differs. `fresh` gets the drawn arrays (made here if it is empty, else filled again; freed by the caller),
 * `view` points to them and, for all others, to those of `start`. Any thread. */
assay_status assay_state_block(const assay_workload *w, uint64_t seed, int state, int64_t block,
                               const assay_values *start, assay_values *fresh, assay_values *view);

/* The truth of one training step from `given`: y, logits, losses (role FORWARD) and every gradient of a parameter (role
 * GRADIENT), as `roles` asks; operands and stores rounded as declared, NULL: not at all; *out is made here. Updated
 * tensors are not in it, see below. Uses all cores: never call it while something is timed. */
assay_status assay_state_truth(const assay_problem *p, const assay_values *given, int64_t step, unsigned roles,
                               const assay_arithmetic *declared, assay_values *out);

/* What the optimizer makes of `given` with the gradients in `grads` (an implementation's own, or the truth's): param_1,
 * m_1, v_1 as *out, made here. A small gradient error can turn Adam's step around, so updates are judged from the
 * gradients that they used. */
assay_status assay_state_update(const assay_problem *p, const assay_values *given, const assay_values *grads,
                                int64_t step, const assay_arithmetic *declared, assay_values *out);

/* The workload as a documented case of the conformance suite, with its own fill(). */
void assay_workload_case(const assay_workload *w, assay_case *out);

#endif
