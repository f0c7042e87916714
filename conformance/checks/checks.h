/* checks.h: the checks by name, and which cases each applies to.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CHECKS_H
#define ASSAY_CHECKS_H

#include "conformance/suite.h"
#include "conformance/trial.h"

#define CHECK(name, text, applies) void assay_check_##name(assay_trial *t);
#include "conformance/checks/checks.inc"
#undef CHECK

int assay_case_any(const assay_case *c); /* every case but the documented shapes */
int assay_case_has_gradcheck(const assay_case *c);
int assay_case_has_unread(const assay_case *c); /* short rows, padded strings or ignored rows */
int assay_case_has_memory(const assay_case *c);
int assay_case_stands_alone(const assay_case *c); /* no network: its cotangents are given */
int assay_case_has_magnitude(const assay_case *c);
int assay_case_has_arithmetic(const assay_case *c); /* one of each cell */
int assay_case_has_update(const assay_case *c);
int assay_case_is_documented(const assay_case *c);

#endif
