/* truth.c: `assay truth`: the proof of the reference, each op and dialect with its measured error.
 * SPDX-License-Identifier: MIT */
#include "conformance/clock.h"
#include "perf/cli/command.h"
#include "perf/cli/golden.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/print.h"
#include "perf/truth_file.h"
#include "perf/roof.h"
#include "perf/state.h"
#include "perf/workload.h"
#include "reference/certify.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct request {
    int full, speed, all, golden;
    const char *json, *markdown, *vectors;
    assay_truth_table table;
    assay_golden_tally tally;
    int proofs, broken, no_memory;
    json_t *rows;
    double started; /* seconds */
} request;

/* The largest documented network, forward and backward, as a share of the peak. NaN if there's no memory for it. */
static double network_gflops(const char *id)
{
    const assay_workload *w = assay_workload_by_id(id);
    assay_values given, truth;
    int64_t step;
    double rate = NAN;
    if (assay_state_make(w, 1, 0, NULL, &given, &step) != ASSAY_OK) return NAN;
    const double start = assay_clock();
    if (assay_state_truth(&w->problem, &given, step, 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT, NULL,
                          &truth) == ASSAY_OK) {
        rate = 1e-9 * (assay_workload_flop_forward(w) + assay_workload_flop_backward(w)) / (assay_clock() - start);
        assay_values_free(&truth);
    }
    assay_values_free(&given);
    return rate;
}

/* How much of the machine's double multiply-add peak the reference reaches: its product alone, and a whole network. */
static void print_speed(json_t *head)
{
    static const char network[] = "b3.blstm4-ce-long";
    const double seconds = 3; /* for each of the two measurements */
    const int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const double peak = assay_roof_fma(ASSAY_FP64, threads, seconds), product = assay_ref_gemm_gflops(threads, seconds);
    printf("product of the reference, fp64, %d threads: %.1f GFLOP/s, %.0f %% of the multiply-add peak %.1f\n", threads,
           product, 100 * product / peak, peak);
    const double whole = network_gflops(network), after = assay_roof_fma(ASSAY_FP64, threads, seconds);
    printf("%s, forward and backward in double: %.1f GFLOP/s, %.0f %% of that peak (%.1f measured again afterwards)\n",
           network, whole, 100 * whole / peak, after);
    json_object_set_new(head, "product_gflop_per_s", assay_output_real(product));
    json_object_set_new(head, "network_gflop_per_s", assay_output_real(whole));
    json_object_set_new(head, "peak_gflop_per_s", assay_output_real(peak));
    json_object_set_new(head, "peak_after_gflop_per_s", assay_output_real(after));
}

static int write_markdown(const request *q)
{
    char *text =
        assay_truth_markdown(&q->table, q->full ? "assay truth --full --markdown FILE" : "assay truth --markdown FILE");
    if (!text) {
        assay_print_error("truth: no memory for %s", q->markdown);
        return ASSAY_EXIT_UNABLE;
    }
    const int status = assay_output_write(q->markdown, text, strlen(text));
    free(text);
    return status;
}

/* Prints and writes what was proved, all or a part. Returns the exit status. */
static int finish(request *q, int whole)
{
    const assay_golden_tally *g = &q->tally;
    if (!q->golden) {
        assay_truth_print(stdout, &q->table);
        printf("%d dialects of ops, %d proofs, %d do not hold\n", assay_truth_dialects(&q->table), q->proofs,
               q->broken);
    }
    printf("%d golden vectors, %d beyond their bounds, %d unreadable; %.1f s\n", g->files, g->beyond, g->unreadable,
           assay_clock() - q->started);
    json_t *head = assay_output_head("truth");
    if (q->speed && whole) print_speed(head);
    whole &= !assay_interrupted();
    if (!whole) assay_interrupt_tell("truth");
    int status = !whole || q->broken || q->no_memory || g->unreadable ? ASSAY_EXIT_UNABLE
                 : g->beyond                                          ? ASSAY_EXIT_BROKEN
                                                                      : ASSAY_EXIT_HELD;
    if (g->files == 0 || (q->proofs == 0 && !q->golden)) status = ASSAY_EXIT_UNABLE; /* nothing was proved */
    json_object_set_new(head, "schema", json_string(ASSAY_TRUTH_SCHEMA));
    json_object_set_new(head, "complete", json_boolean(whole && !q->no_memory));
    json_object_set_new(head, "full", json_boolean(q->full));
    json_object_set_new(head, "broken", json_integer(q->broken));
    json_object_set(head, "proofs", q->rows);
    json_object_set(head, "golden", g->rows);
    if (q->json && assay_output_json(q->json, json_incref(head))) status = ASSAY_EXIT_UNABLE;
    if (q->markdown && whole && write_markdown(q)) status = ASSAY_EXIT_UNABLE;
    json_decref(head);
    json_decref(q->rows);
    json_decref(g->rows);
    assay_truth_free(&q->table);
    return status;
}

static void on_proof(void *user, const assay_proof *p)
{
    request *q = user;
    int holds = p->error <= p->bound;
    json_t *row = assay_truth_proof_json(p);
    if (!assay_truth_note(&q->table, p) || json_array_append_new(q->rows, row)) q->no_memory = 1;
    if (!holds || q->all) {
        assay_print_colour(holds ? ASSAY_GREEN : ASSAY_RED, 7, holds ? "holds" : "BROKEN");
        printf("%-8s %-36s %-12s %s: error %.1e, bound %.0e\n", p->op, p->dialect, p->tensor, p->what, p->error,
               p->bound);
    }
    q->proofs++;
    q->broken += !holds;
    if (assay_interrupted()) exit(finish(q, 0)); /* what proves has no way to stop, only to be left */
}

int assay_command_truth(int argc, char **argv)
{
    static const assay_usage usage = {
        "truth", NULL,
        "Proves the reference: double against quad precision, every gradient against central differences in quad and\n"
        "against dual numbers, CTC against the enumeration of all paths, identities of each dialect, published values\n"
        "of other frameworks, and golden vectors that they computed. docs/tolerance.md 3.8, docs/differences.md.",
        "assay truth --full --json truth.json"};
    char golden[PATH_MAX];
    request q = {0};
    const assay_option options[] = {
        {"full", NULL, "the whole product of dialects, longer paths", ASSAY_TAKES_NOTHING, &q.full},
        {"speed", NULL, "also the rate of its product and of the largest network, as shares of the machine's peak",
         ASSAY_TAKES_NOTHING, &q.speed},
        {"all", NULL, "print every proof, not only those that do not hold", ASSAY_TAKES_NOTHING, &q.all},
        {"golden", NULL, "only the golden vectors", ASSAY_TAKES_NOTHING, &q.golden},
        {"vectors", "FOLDER", "other golden vectors than the suite's, with a MANIFEST", ASSAY_TAKES_STORE, &q.vectors},
        {"json", "FILE", "write every proof", ASSAY_TAKES_OUTPUT, &q.json},
        {"markdown", "FILE", "write the two tables: docs/truth.md", ASSAY_TAKES_OUTPUT, &q.markdown},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    assay_interrupt_watch();
    q.started = assay_clock();
    q.rows = json_array();
    assay_golden_folder(q.vectors ? q.vectors : assay_path_own("share", "golden", golden, sizeof golden), &q.tally);
    int broken = q.golden ? 0 : assay_certify(q.full, on_proof, &q);
    if (broken > q.broken) q.broken = broken; /* no memory counts as one */
    return finish(&q, 1);
}
