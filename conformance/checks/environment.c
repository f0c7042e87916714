/* environment.c: pack(), run() and unpack() allocate nothing from their second calls on and start no thread after them;
 * they never print and leave the floating-point environment alone. What the worker can't observe (under sanitizers, in
 * an interpreter) is not judged, nor are allocations that an implementation declares: that stands among its findings.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

static void expect(assay_trial *t, const char *what, int known, int64_t seen, int64_t wanted)
{
    if (!known || t->over) return;
    assay_finding f = assay_finding_exact(what, "contract", seen == wanted, seen);
    assay_trial_add(t, &f);
}

static int once(assay_trial *t, assay_routine routine, assay_timing *timing)
{
    assay_values got;
    if (!assay_trial_run(t, routine, &t->subject->given, ASSAY_ROLES_WANTED, NULL, &got)) return 0;
    assay_values_free(&got);
    *timing = t->timing;
    return 1;
}

void assay_check_environment(assay_trial *t)
{
    const assay_routine routine = t->subject->p.optimizer ? ASSAY_ROUTINE_STEP : ASSAY_ROUTINE_BACKWARD;
    assay_timing first, second, third;
    if (!once(t, routine, &first) || !once(t, routine, &second) || !once(t, routine, &third)) return;
    const int declared = assay_session_about(t->session)->allocates;
    expect(t, "allocations in the second call", !declared && second.allocations >= 0, second.allocations, 0);
    expect(t, "allocations in a later call", !declared && third.allocations >= 0, third.allocations, 0);
    if (declared) expect(t, "allocations: declared, not judged", 1, 0, 0);
    expect(t, "threads after a later call", third.threads >= 0, third.threads, second.threads);
    expect(t, "bytes printed", 1, first.printed + second.printed + third.printed, 0);
    expect(t, "floating-point environment changed", 1, first.fp_changed | second.fp_changed | third.fp_changed, 0);
    t->alive_truths++; /* what was observed is not a tensor */
}
