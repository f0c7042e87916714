/* derived.c: a run of a problem that the case does not hold but that follows from it: pieces of it, other sizes.
 * SPDX-License-Identifier: MIT */
#include "conformance/trial.h"

#include <stdio.h>
#include <stdlib.h>

/* 1 if the implementation takes it. */
static int is_supported(assay_trial *t, const char *label, const assay_problem *p)
{
    assay_arithmetic declared;
    char why[128] = "", what[64];
    assay_reply r = assay_session_supports(t->session, p, &declared, why, sizeof why);
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK) return 1;
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_UNSUPPORTED) {
        snprintf(what, sizeof what, "%snot supported", label);
        assay_finding f = assay_finding_exact(what, "refused", 1, -1);
        assay_trial_add(t, &f);
        return 0;
    }
    assay_trial_end(t, r.outcome == ASSAY_TIMED_OUT ? ASSAY_VERDICT_TIMEOUT : ASSAY_VERDICT_CRASHED, "%ssupports: %s",
                    label, r.what[0] ? r.what : "no reason given");
    return 0;
}

int assay_trial_enter(assay_trial *t, const char *label, const assay_problem *p, assay_subject **whole)
{
    assay_subject *derived;
    if (t->over || !is_supported(t, label, p)) return 0;
    derived = calloc(1, sizeof *derived);
    if (!derived) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "%sno memory for a problem", label);
        return 0;
    }
    *whole = t->subject;
    derived->own = *t->subject->c;
    derived->own.problem = derived->p = *p;
    derived->c = &derived->own;
    derived->seed = t->subject->seed;
    derived->step = t->subject->step;
    t->subject = derived;
    t->planned = 0;
    return 1;
}

void assay_trial_leave(assay_trial *t, assay_subject *whole)
{
    free(t->subject);
    t->subject = whole;
    t->planned = 0;
}

int assay_trial_run_as(assay_trial *t, const char *label, const assay_problem *p, assay_routine routine,
                       const assay_values *given, unsigned wanted, assay_values *got)
{
    assay_subject *whole;
    if (!assay_trial_enter(t, label, p, &whole)) return 0;
    const int worked = assay_trial_run(t, routine, given, wanted, NULL, got);
    assay_trial_leave(t, whole);
    return worked;
}
