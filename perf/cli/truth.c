/* truth.c: `assay truth`: the proof of the reference, each op and dialect with its measured error.
 * SPDX-License-Identifier: MIT */
#include "conformance/clock.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"
#include "perf/roof.h"
#include "reference/certify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All proofs of one op by one method, as one line. */
typedef struct line {
    char op[32], what[96], worst_at[128];
    int count, broken;
    double error, bound; /* of the proof that came closest to its bound, or passed it */
} line;

typedef struct request {
    int full, speed, all;
    const char *json;
    line *lines;
    int line_count, proofs, broken, no_memory;
    json_t *rows;
    double started; /* seconds */
} request;

static line *line_of(request *q, const assay_proof *p)
{
    for (int k = 0; k < q->line_count; k++) {
        if (!strcmp(q->lines[k].op, p->op) && !strcmp(q->lines[k].what, p->what)) return &q->lines[k];
    }
    line *more = realloc(q->lines, (size_t)(q->line_count + 1) * sizeof *more);
    if (!more) return NULL;
    q->lines = more;
    line *l = &more[q->line_count++];
    memset(l, 0, sizeof *l);
    snprintf(l->op, sizeof l->op, "%s", p->op);
    snprintf(l->what, sizeof l->what, "%s", p->what);
    l->bound = p->bound;
    return l;
}

static void print_lines(const request *q)
{
    printf("%-8s %-44s %6s %7s %9s %9s  %s\n", "of", "proved by", "proofs", "broken", "error", "bound",
           "closest to its bound");
    for (int k = 0; k < q->line_count; k++) {
        const line *l = &q->lines[k];
        printf("%-8s %-44s %6d %7d %9.1e %9.0e  %s\n", l->op, l->what, l->count, l->broken, l->error, l->bound,
               l->worst_at);
    }
}

/* How much of the machine's double multiply-add peak the reference's own product reaches. */
static void print_speed(json_t *head)
{
    const double seconds = 3; /* for each of the two measurements */
    int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    double peak = assay_roof_fma(ASSAY_FP64, threads, seconds), product = assay_ref_gemm_gflops(threads, seconds);
    printf("product of the reference, fp64, %d threads: %.1f GFLOP/s, %.0f %% of the multiply-add peak %.1f\n", threads,
           product, 100 * product / peak, peak);
    json_object_set_new(head, "product_gflop_per_s", assay_output_real(product));
    json_object_set_new(head, "peak_gflop_per_s", assay_output_real(peak));
}

/* Prints and writes what was proved, all or a part. Returns the exit status. */
static int finish(request *q, int whole)
{
    print_lines(q);
    printf("%d proofs, %d do not hold, %.1f s\n", q->proofs, q->broken, assay_clock() - q->started);
    json_t *head = assay_output_head("truth");
    if (q->speed && whole) print_speed(head);
    whole &= !assay_interrupted();
    if (!whole) assay_interrupt_tell("truth");
    int status = !whole || q->broken || q->no_memory || q->proofs == 0 ? ASSAY_EXIT_UNABLE : ASSAY_EXIT_HELD;
    json_object_set_new(head, "complete", json_boolean(whole && !q->no_memory));
    json_object_set_new(head, "full", json_boolean(q->full));
    json_object_set_new(head, "broken", json_integer(q->broken));
    json_object_set(head, "proofs", q->rows);
    if (q->json && assay_output_json(q->json, json_incref(head))) status = ASSAY_EXIT_UNABLE;
    json_decref(head);
    json_decref(q->rows);
    free(q->lines);
    return status;
}

static void note(line *l, const assay_proof *p, int holds)
{
    l->count++;
    l->broken += !holds;
    if (l->count == 1 || !(p->error / p->bound <= l->error / l->bound)) {
        l->error = p->error;
        l->bound = p->bound;
        snprintf(l->worst_at, sizeof l->worst_at, "%s %s", p->dialect, p->tensor);
    }
}

static void on_proof(void *user, const assay_proof *p)
{
    request *q = user;
    int holds = p->error <= p->bound;
    line *l = line_of(q, p);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "op", p->op, "dialect", p->dialect, "tensor",
                            p->tensor, "what", p->what, "error", assay_output_real(p->error), "bound",
                            assay_output_real(p->bound), "holds", holds);
    if (!l || json_array_append_new(q->rows, row)) q->no_memory = 1;
    if (!holds || q->all) {
        assay_print_colour(holds ? ASSAY_GREEN : ASSAY_RED, 7, holds ? "holds" : "BROKEN");
        printf("%-8s %-36s %-12s %s: error %.1e, bound %.0e\n", p->op, p->dialect, p->tensor, p->what, p->error,
               p->bound);
    }
    q->proofs++;
    q->broken += !holds;
    if (l) note(l, p, holds);
    if (assay_interrupted()) exit(finish(q, 0)); /* what proves has no way to stop, only to be left */
}

int assay_command_truth(int argc, char **argv)
{
    static const assay_usage usage = {
        "truth", NULL,
        "Proves the reference: double against quad precision, every gradient against central differences in quad, CTC\n"
        "against the enumeration of all paths, published values of other frameworks. docs/tolerance.md 3.8.",
        "assay truth --full --json truth.json"};
    request q = {0};
    const assay_option options[] = {
        {"full", NULL, "the whole product of dialects, longer paths", ASSAY_TAKES_NOTHING, &q.full},
        {"speed", NULL, "also the rate of its product, as a share of the machine's peak", ASSAY_TAKES_NOTHING,
         &q.speed},
        {"all", NULL, "print every proof, not only those that do not hold", ASSAY_TAKES_NOTHING, &q.all},
        {"json", "FILE", "write every proof", ASSAY_TAKES_OUTPUT, &q.json},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    assay_interrupt_watch();
    q.started = assay_clock();
    q.rows = json_array();
    int broken = assay_certify(q.full, on_proof, &q);
    if (broken > q.broken) q.broken = broken; /* no memory counts as one */
    return finish(&q, 1);
}
