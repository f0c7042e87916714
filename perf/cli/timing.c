/* timing.c: the gate, the bench and the files of a timing run.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/timing.h"
#include "conformance/certificate.h"
#include "conformance/file.h"
#include "conformance/floors.h"
#include "conformance/hash.h"
#include "conformance/refusal.h"
#include "perf/cli/baselines.h"
#include "perf/cli/command.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/report.h"
#include "perf/state.h"

#include "commit.h" /* made by the build */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *label_of(const assay_plugins *plugins, const char *path)
{
    for (int k = 0; k < plugins->count; k++) {
        if (!strcmp(plugins->path[k], path)) return plugins->label[k];
    }
    return path;
}

/* What the implementation itself says about it; ASSAY_OK if it could not be asked: the gate will say why. */
static assay_status ask(const assay_timing_request *q, const char *plugin, const assay_need *need, char *why,
                        size_t why_size)
{
    assay_session_options options = {need->threads, 0, 30, q->bench.worker};
    assay_session *session = NULL;
    assay_arithmetic declared;
    assay_reply reply = assay_session_start(plugin, &options, &session);
    if (!session) return ASSAY_OK;
    const char *full_rows = assay_session_about(session)->full_rows;
    const char *untimed = assay_session_about(session)->untimed;
    const char *infer_only = assay_session_about(session)->infer_only;
    const char *never = untimed[0] ? untimed : infer_only; /* a certificate proves gradients, too */
    if (never[0] || (need->ragged && full_rows[0])) {
        snprintf(why, why_size, "%s", never[0] ? never : full_rows);
        assay_session_end(session);
        return ASSAY_UNSUPPORTED;
    }
    reply = assay_refusal_ask(session, need->problem, &declared, why, why_size);
    assay_session_end(session);
    return reply.outcome == ASSAY_ANSWERED && reply.status == ASSAY_UNSUPPORTED ? ASSAY_UNSUPPORTED : ASSAY_OK;
}

/* Floors of narrow formats are stored or there are none: perf/cli/floor.c measures them. */
static int has_floors(const assay_timing_request *q, const assay_workload *w, const assay_problem *p,
                      const assay_arithmetic *declared)
{
    assay_case c;
    assay_oracle unused = {.activation_ulp = 0};
    assay_workload_case(w, &c);
    return assay_arithmetic_has_block(declared) || assay_floors_read(q->floors, c.id, p, declared, &unused);
}

static int offers(void *user, const char *plugin, const assay_workload *w, const assay_problem *p, char *why,
                  size_t why_size)
{
    const assay_timing_request *q = user;
    const assay_session_options options = {1, 0, 30, q->bench.worker};
    assay_session *session = NULL;
    assay_arithmetic declared;
    assay_session_start(plugin, &options, &session);
    if (!session) return 0;                                     /* its row in fp32 says why */
    const int never = assay_session_about(session)->untimed[0]; /* as well */
    const int ragged = w->ragged && assay_session_about(session)->full_rows[0];
    const assay_reply reply = assay_session_supports(session, p, &declared, why, why_size);
    assay_session_end(session);
    if (never || ragged || reply.outcome != ASSAY_ANSWERED || reply.status != ASSAY_OK) return 0;
    if (has_floors(q, w, p, &declared)) return 1;
    const char *name = assay_arithmetic_name(&declared);
    snprintf(why, why_size, "no floors of this shape are stored for %s", name ? name : "what it declares");
    return -1;
}

static void on_progress(void *user, int done, int total, const char *case_id)
{
    assay_progress_show(&((assay_timing_request *)user)->progress, done, total, case_id);
}

static int stop(void *user)
{
    (void)user;
    return assay_interrupted();
}

static void ignore(void *user, const assay_result *r)
{
    (void)user, (void)r; /* the gate keeps the first failure for its one line */
}

static assay_status gate(void *user, const char *plugin, const assay_need *need, assay_certificate *out, char *why,
                         size_t why_size)
{
    assay_timing_request *q = user;
    if (ask(q, plugin, need, why, why_size) == ASSAY_UNSUPPORTED) return ASSAY_UNSUPPORTED;
    assay_gate g = {
        .plugin = plugin, .label = label_of(q->plugins, plugin), .folder = q->certificates, .device = q->device};
    g.suite = (assay_suite_options){.seed = assay_seed_fresh(),
                                    .level = q->level,
                                    .worker = q->bench.worker,
                                    .on_result = ignore,
                                    .on_progress = on_progress,
                                    .stop = stop,
                                    .user = q};
    assay_progress_start(&q->progress);
    assay_status st = assay_gate_open(&g, need, out, why, why_size);
    assay_progress_clear(&q->progress);
    return st;
}

static assay_judgement judge(void *user, const assay_kept *k)
{
    assay_timing_request *q = user;
    return assay_judge(&q->kept, q->floors, k);
}

static void on_line(void *user, const char *line)
{
    assay_timing_request *q = user;
    assay_progress_clear(&q->progress);
    fprintf(stderr, "%s\n", line);
}

static int write_files(const assay_timing_request *q, assay_gbench *g)
{
    char why[256];
    int status = ASSAY_EXIT_HELD;
    if (q->json && assay_records_write(&q->records, q->json, why, sizeof why) != ASSAY_OK) {
        assay_print_error("%s: %s", q->command, why);
        status = ASSAY_EXIT_UNABLE;
    }
    if (q->gbench) {
        char *text = assay_gbench_json(g);
        if (!text) assay_print_error("%s: %s: no memory for its text", q->command, q->gbench);
        if (!text || assay_output_write(q->gbench, text, strlen(text))) status = ASSAY_EXIT_UNABLE;
        free(text);
    }
    return status;
}

/* Together as many as the table names as being without a number. */
static int judge_summary(const assay_timing_request *q)
{
    const assay_bench_summary *s = &q->summary;
    int phases = 0;
    for (int k = 0; k < q->records.left_count; k++)
        phases += strcmp(q->records.left[k].phase, "all") != 0;
    printf("%d timed, %d failed, %d left out", s->timed, s->failed, s->left_out);
    if (phases) printf("; phases left out of those timed: %d", phases);
    putchar('\n');
    if (assay_interrupted()) assay_interrupt_tell(q->command);
    if (s->failed || assay_print_required(q->command, s->skipped)) return ASSAY_EXIT_BROKEN;
    if (assay_interrupted()) return ASSAY_EXIT_UNABLE;
    if (s->timed) return ASSAY_EXIT_HELD;
    return s->skipped && s->skipped == s->left_out ? ASSAY_EXIT_SKIPPED : ASSAY_EXIT_BROKEN;
}

/* What broke counts before what could not be done, that before what was left undone. */
static int worse(int status, int other)
{
    return other == ASSAY_EXIT_HELD || status == ASSAY_EXIT_BROKEN ? status : other;
}

int assay_timing_perform(assay_timing_request *q)
{
    char why[256] = "";
    assay_machine machine;
    assay_gbench *g = assay_gbench_begin();
    if (!g) {
        assay_print_error("%s: no memory", q->command);
        return ASSAY_EXIT_UNABLE;
    }
    assay_interrupt_watch();
    assay_machine_read(&machine);
    snprintf(q->device, sizeof q->device, "%s", machine.cpu);
    if (!q->certificates) q->certificates = assay_path_certificates(q->folder, sizeof q->folder);
    if (assay_path_make(q->certificates)) {
        assay_print_error("%s: %s: cannot be made: %s", q->command, q->certificates, strerror(errno));
        assay_gbench_end(g);
        return ASSAY_EXIT_UNABLE;
    }
    q->bench.plugins = (const char *const *)q->plugins->path;
    q->bench.plugin_count = q->plugins->count;
    q->bench.suite_version = ASSAY_VERSION;
    q->bench.commit = ASSAY_COMMIT;
    q->bench.commit_time = ASSAY_COMMIT_TIME;
    q->bench.build = ASSAY_BUILD;
    q->bench.gate = gate;
    q->bench.offers = offers;
    q->bench.judge = judge;
    q->bench.progress = on_line;
    q->bench.stop = stop;
    q->bench.user = q;
    assay_status st = assay_bench_run(&q->bench, g, &q->records, &q->summary, why, sizeof why);
    int status;
    if (st != ASSAY_OK) {
        assay_print_error("%s: %s", q->command, why);
        status = st == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
    } else {
        char *table = assay_report_text(&q->records, ASSAY_REPORT_TABLE);
        if (table) fputs(table, stdout);
        free(table);
        status = judge_summary(q);
        status = worse(status, write_files(q, g));
        if (q->baseline) status = worse(status, assay_baselines_judge(q->command, q->baseline, &q->records));
    }
    assay_floors_forget(q->kept);
    q->kept = NULL;
    assay_gbench_end(g);
    return status;
}
