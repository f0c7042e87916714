/* gate.c: no number without a certificate: reads one that fits, or runs the suite and writes one.
 * SPDX-License-Identifier: MIT */
#include "conformance/certificate.h"

#include <stdio.h>
#include <string.h>

typedef struct watch {
    const assay_gate *gate;
    assay_certificate *certificate;
    char first[512]; /* the first result that is no pass, with its reproducer */
} watch;

static void on_result(void *user, const assay_result *r)
{
    watch *w = user;
    assay_certificate_note(w->certificate, r);
    if (!w->first[0] && r->verdict != ASSAY_VERDICT_PASS && r->verdict != ASSAY_VERDICT_UNSUPPORTED)
        snprintf(w->first, sizeof w->first, "%s %s on %s: %.120s; %.200s", assay_verdict_name(r->verdict), r->check,
                 r->case_id, r->why, r->reproducer);
    if (w->gate->suite.on_result) w->gate->suite.on_result(w->gate->suite.user, r);
}

static void on_progress(void *user, int done, int total, const char *case_id)
{
    const assay_suite_options *o = &((watch *)user)->gate->suite;
    if (o->on_progress) o->on_progress(o->user, done, total, case_id);
}

static int stop(void *user)
{
    const assay_suite_options *o = &((watch *)user)->gate->suite;
    return o->stop ? o->stop(o->user) : 0;
}

static assay_status prove(const assay_gate *g, int threads, assay_certificate *c, char *why, size_t why_size)
{
    watch w = {g, c, ""};
    assay_suite_options o = g->suite;
    assay_summary sum;
    o.plugins = &g->plugin;
    o.labels = &g->label;
    o.plugin_count = 1;
    o.op = o.check = o.glob = NULL;
    o.extra = NULL;
    o.extra_count = 0;
    o.threads = threads;
    o.on_result = on_result;
    o.on_progress = on_progress;
    o.stop = stop;
    o.user = &w;
    assay_status st = assay_suite_run(&o, &sum, why, why_size);
    if (st != ASSAY_OK) return st;
    if (assay_summary_exit(&sum) == 0 && !sum.stopped) return ASSAY_OK;
    if (sum.stopped)
        snprintf(why, why_size, "%s: conformance was interrupted", g->label);
    else
        snprintf(why, why_size, "%s does not conform: %s", g->label, w.first[0] ? w.first : "nothing passed");
    return ASSAY_FAILED;
}

assay_status assay_gate_open(const assay_gate *g, const assay_need *need, assay_certificate *out, char *why,
                             size_t why_size)
{
    assay_session_options so = {need->threads, 0, 30, g->suite.worker};
    int arithmetic = need->problem->arithmetic;
    assay_session *session;
    assay_reply r = assay_session_start(g->plugin, &so, &session);
    if (!session) {
        snprintf(why, why_size, "%s", r.what);
        return r.outcome == ASSAY_ANSWERED ? r.status : ASSAY_FAILED;
    }
    assay_session_libraries(session);
    assay_session_info about = *assay_session_about(session);
    assay_session_end(session);
    if (!about.mapped_hash[0]) {
        snprintf(why, why_size, "%s: a library that its worker maps can't be read, so no certificate can name it",
                 g->label);
        return ASSAY_FAILED;
    }
    if (assay_certificate_read(g->folder, &about, g->device, arithmetic, g->suite.level, need->threads, out) &&
        assay_certificate_covers(out, need, why, why_size))
        return ASSAY_OK;
    assay_certificate_begin(&about, g->device, arithmetic, g->suite.level, need->threads, g->suite.seed, out);
    assay_status st = prove(g, need->threads, out, why, why_size);
    if (st != ASSAY_OK) return st;
    if (!assay_certificate_covers(out, need, why, why_size)) return ASSAY_FAILED;
    return assay_certificate_write(g->folder, out, why, why_size);
}
