/* rig.h: what the tests of sessions share: where the rogues lie, a small problem, its tensors.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TEST_RIG_H
#define ASSAY_TEST_RIG_H

#include "conformance/session.h"
#include "conformance/tests/plugins/rogue.h"

/* The folder of the test plugins is given by the build. */
#define ROGUE(name) ASSAY_ROGUE_DIR "/" name ".so"

/* A session with rogue.so (or an adopted one), a plan of rig_problem(rogue) and x, y, hn bound. */
typedef struct rig {
    assay_session *session;
    assay_memory x, y, hn;
} rig;

/* T 3, N 2, I 3, H 5: neither x (72 bytes) nor y (120 bytes) fills a page. */
assay_problem rig_problem(int rogue);

/* Options with a time limit in seconds. */
assay_session_options rig_options(double limit);

/* Plans, makes and binds; the reply of the first step that isn't well. rig_free() in any case. */
assay_reply rig_plan(rig *r, int rogue, assay_placement placement);
assay_reply rig_start(rig *r, int rogue, assay_placement placement, double limit);
void rig_free(rig *r);

/* Binds one tensor; NULL unbinds it. */
assay_reply rig_bind(rig *r, int id, const assay_memory *m);

/* One forward pass, in training. timing may be NULL. */
assay_reply rig_run(rig *r, assay_timing *timing);

/* Start, run once, free: what the run's reply was. */
assay_reply rig_try(int rogue, assay_placement placement, double limit);

#endif
