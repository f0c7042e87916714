/* audit_side.h: what the files of an audit share: results of both sides with what they are held against.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_AUDIT_SIDE_H
#define ASSAY_AUDIT_SIDE_H

#include "conformance/audit.h"
#include "conformance/subject.h"

/* One side's results. */
typedef struct assay_audit_results {
    assay_values got;         /* owned */
    assay_oracle step;        /* what the optimizer makes of this side's gradients; owned; zeroed where there is none */
    const assay_oracle *o;    /* of this side's arithmetic; NULL without a truth */
    const assay_floor *floor; /* [ASSAY_TENSORS]: of outputs and gradients */
} assay_audit_results;

/* Starts a worker for side k, runs it twice, and once in a fresh worker; results to *out, the rest to *side. Status as
 * of assay_audit_make(). */
assay_status assay_audit_run_side(const assay_audit_request *q, int k, assay_subject *subject, assay_audit_side *side,
                                  assay_audit_results *out, char *why, size_t why_size);

/* Everything of one tensor that both sides have. ASSAY_NO_MEMORY. */
assay_status assay_audit_measure(const assay_subject *s, const assay_tensor *x, const assay_arithmetic declared[2],
                                 const assay_audit_results r[2], assay_audit_tensor *out);

#endif
