/* refusal.h: whether a plugin takes a problem, and what it lacks where it refuses without a word.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REFUSAL_H
#define ASSAY_REFUSAL_H

#include "conformance/session.h"

/* As assay_session_supports(). Where a refusal comes without a reason one is found by asking on: the problem is made
 * plain, field by field, as long as it is refused; what then is not plain is what is missing ("no reason given;
 * missing: cell gru with gru_reset 0"). Where all of it is, the op is, at these sizes. */
assay_reply assay_refusal_ask(assay_session *s, const assay_problem *p, assay_arithmetic *declared, char *why,
                              size_t why_size);

#endif
