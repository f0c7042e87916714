/* session_run.c: a program of calls, and the clock around it.
 * SPDX-License-Identifier: MIT */
#include "conformance/session_state.h"

#include <string.h>

/* Where the memory is a device's, the copies are requests of their own, outside of the clock. */
static assay_reply cross(assay_session *s, assay_wire_kind kind)
{
    assay_request q;
    assay_answer a;
    assay_reply nothing = {.outcome = ASSAY_ANSWERED, .status = ASSAY_OK};
    if (s->info.place == ASSAY_HOST) return nothing;
    memset(&q, 0, sizeof q);
    return assay_session_exchange(s, &q, kind, NULL, 0, &a, NULL);
}

assay_reply assay_session_run(assay_session *s, const assay_call *calls, int count, int repeat, int step_stride,
                              int *failed, assay_timing *timing)
{
    assay_request q;
    assay_answer a;
    double seconds = 0;
    if (count < 0 || count > ASSAY_WIRE_CALLS) return assay_session_refuse("run: at most 16 calls a request");
    memset(&q, 0, sizeof q);
    memcpy(q.run.calls, calls, (size_t)count * sizeof *calls);
    q.run.count = count;
    q.run.repeat = repeat;
    q.run.step_stride = step_stride;
    assay_reply r = cross(s, ASSAY_WIRE_GIVE);
    if (r.outcome != ASSAY_ANSWERED || r.status != ASSAY_OK) return r;
    double before = assay_process_seconds(&s->process);
    r = assay_session_exchange(s, &q, ASSAY_WIRE_RUN, NULL, 0, &a, &seconds);
    if (r.outcome != ASSAY_ANSWERED) return r;
    double after = assay_process_seconds(&s->process);
    const assay_reply taken = cross(s, ASSAY_WIRE_TAKE);
    if (taken.outcome != ASSAY_ANSWERED) return taken;
    if (taken.status != ASSAY_OK) r = taken;
    assay_process_drain(&s->process);
    assay_session_add_printed(s, &r);
    if (failed) *failed = r.status == ASSAY_OK ? -1 : a.run.failed;
    if (timing)
        *timing = (assay_timing){.seconds = seconds,
                                 .worker_seconds = a.run.seconds,
                                 .cpu_seconds = before < 0 || after < 0 ? -1 : after - before,
                                 .allocations = a.run.allocations,
                                 .threads = assay_process_threads(&s->process),
                                 .fp_changed = a.run.fp_changed,
                                 .printed = s->process.printed,
                                 .waited_seconds = -1};
    assay_process_forget(&s->process);
    return r;
}
