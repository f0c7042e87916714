/* converge.c: `assay converge`: the same training on each implementation, loss curves held against a measured band.
 * SPDX-License-Identifier: MIT */
#include "conformance/arithmetic.h"
#include "conformance/hash.h"
#include "conformance/verdict.h"
#include "perf/convergence.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"

#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_TASKS 16

typedef struct request {
    const char *task, *json, *svg, *folder;
    int quick, threads;
    double time_limit;
    uint64_t seed;
    assay_plugins plugins;
    assay_convergence *all; /* [MOST_TASKS] */
    int count, counts[ASSAY_VERDICT_COUNT];
} request;

/* ASSAY_OK, or another status with its line printed. */
static assay_status train_all(request *q, const assay_lesson *l, assay_convergence *c)
{
    char why[256] = "";
    for (int k = 0; k < q->plugins.count && c->pupil_count < ASSAY_MOST_PUPILS && !assay_interrupted(); k++) {
        const assay_pupil_options o = {q->plugins.path[k], q->plugins.label[k], NULL, q->threads, q->time_limit};
        const assay_status st = assay_pupil_train(l, &o, &c->pupil[c->pupil_count++], why, sizeof why);
        if (st == ASSAY_OK) continue;
        assay_print_error("converge: %s", why);
        return st;
    }
    return ASSAY_OK;
}

/* The band is that of the loosest activation error that one of them declares. */
static assay_status judge_all(const assay_lesson *l, uint64_t seed, assay_convergence *c)
{
    assay_learning learning;
    double ulp = 0.5;
    for (int k = 0; k < c->pupil_count; k++)
        if (c->pupil[k].verdict == ASSAY_VERDICT_PASS) ulp = fmax(ulp, c->pupil[k].declared.activation_ulp);
    const assay_status st = assay_learning_make(l, ulp, seed, &learning);
    if (st != ASSAY_OK) {
        assay_print_error("converge: %s: the reference could not train (status %d)", c->task, (int)st);
        assay_learning_free(&learning);
        return st;
    }
    for (int k = 0; k < c->pupil_count; k++)
        assay_pupil_judge(&learning, &c->pupil[k]);
    c->updates = l->updates;
    c->test_rows = l->test_rows;
    c->right = learning.right;
    c->undecided = learning.undecided;
    c->loss = learning.loss;
    c->band = learning.band;
    learning.loss = learning.band = NULL;
    assay_learning_free(&learning);
    return st;
}

static assay_status one_task(request *q, const assay_task *task)
{
    assay_convergence *c = &q->all[q->count++];
    assay_lesson l;
    char why[256] = "";
    snprintf(c->task, sizeof c->task, "%s", task->name);
    snprintf(c->what, sizeof c->what, "%s", task->what);
    c->seed = q->seed;
    c->threads = q->threads;
    assay_status st = assay_lesson_make(task, q->folder, q->seed, q->quick, &l, why, sizeof why);
    if (st != ASSAY_OK) assay_print_error("converge: %s", why);
    if (st == ASSAY_OK) st = train_all(q, &l, c);
    if (st == ASSAY_OK) st = judge_all(&l, q->seed, c);
    if (st == ASSAY_OK) {
        assay_convergence_print(stdout, c);
        for (int k = 0; k < c->pupil_count; k++)
            q->counts[c->pupil[k].verdict]++;
    } else {
        assay_convergence_free(c);
        q->count--;
    }
    assay_lesson_free(&l);
    return st;
}

static json_t *json_of(const request *q, int whole)
{
    json_t *head = assay_output_head("converge"), *tasks = json_array();
    for (int k = 0; k < q->count; k++)
        json_array_append_new(tasks, assay_convergence_json(&q->all[k]));
    if (head && !json_object_set_new(head, "schema", json_string(ASSAY_CONVERGENCE_SCHEMA)) &&
        !json_object_set_new(head, "complete", json_boolean(whole)) && !json_object_set_new(head, "tasks", tasks))
        return head;
    json_decref(head);
    return NULL;
}

static int write_svg(const request *q)
{
    const assay_convergence *all[MOST_TASKS];
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    for (int k = 0; k < q->count; k++)
        all[k] = &q->all[k];
    if (f) assay_convergence_draw(f, all, q->count, 1);
    int status = ASSAY_EXIT_UNABLE;
    if (f && !fclose(f))
        status = assay_output_write(q->svg, text, size);
    else
        assay_print_error("converge: no memory for %s", q->svg);
    free(text);
    return status;
}

/* Exit status of what was judged: as of `assay check`. */
static int conclude(const request *q, assay_status st)
{
    int total = 0, failed = 0, status = ASSAY_EXIT_HELD;
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++) {
        total += q->counts[v];
        if (assay_verdict_is_failure((assay_verdict)v)) failed += q->counts[v];
    }
    if (total && q->counts[ASSAY_VERDICT_SKIPPED] == total)
        status = ASSAY_EXIT_SKIPPED;
    else if (!q->counts[ASSAY_VERDICT_PASS])
        status = ASSAY_EXIT_BROKEN;
    if (q->counts[ASSAY_VERDICT_BROKEN] || assay_interrupted()) status = ASSAY_EXIT_UNABLE;
    if (st != ASSAY_OK) status = st == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
    if (failed || assay_print_required("converge", q->counts[ASSAY_VERDICT_SKIPPED])) status = ASSAY_EXIT_BROKEN;
    return status;
}

static int perform(request *q)
{
    assay_status st = ASSAY_OK;
    assay_interrupt_watch();
    for (int k = 0; k < assay_task_count() && st == ASSAY_OK && !assay_interrupted(); k++)
        if (!q->task || !fnmatch(q->task, assay_task_get(k)->name, 0)) st = one_task(q, assay_task_get(k));
    const int whole = st == ASSAY_OK && !assay_interrupted();
    int status = conclude(q, st);
    if (assay_interrupted()) assay_interrupt_tell("converge");
    if (q->json && assay_output_json(q->json, json_of(q, whole)) && status == ASSAY_EXIT_HELD)
        status = ASSAY_EXIT_UNABLE;
    if (q->svg && q->count && write_svg(q) && status == ASSAY_EXIT_HELD) status = ASSAY_EXIT_UNABLE;
    return status;
}

static int is_a_task(const char *glob)
{
    for (int k = 0; k < assay_task_count(); k++)
        if (!glob || !fnmatch(glob, assay_task_get(k)->name, 0)) return 1;
    assay_print_error("converge: --task '%s': expected marks-lstm, letters-ctc, vowels-lstm or vowels-gru", glob);
    return 0;
}

int assay_command_converge(int argc, char **argv)
{
    static const assay_usage usage = {
        "converge", NULL,
        "Trains each implementation on small tasks from the same initial weights, with the same data, order and "
        "optimizer,\n"
        "and lays the loss curves over each other. A curve that leaves the band fails: four times what runs of the\n"
        "reference part by in which every operation was rounded at random. So does a number of right answers that no\n"
        "honest run has. docs/convergence.md.",
        "assay converge --impl blas --impl ./mine.so --quick --svg curves.svg"};
    assay_strings impls = {{0}, 0};
    char vowels[PATH_MAX];
    request q = {.folder = assay_path_own("share", "vowels", vowels, sizeof vowels),
                 .threads = (int)sysconf(_SC_NPROCESSORS_ONLN),
                 .seed = assay_seed_fresh()};
    const assay_option options[] = {
        {"impl", "NAME|PATH", "which implementation; default: all of `assay list impls`", ASSAY_TAKES_TEXTS, &impls},
        {"task", "GLOB", "marks-lstm, letters-ctc, vowels-lstm, vowels-gru; default: all", ASSAY_TAKES_TEXT, &q.task},
        {"quick", NULL, "fewer updates: the beginnings of the curves", ASSAY_TAKES_NOTHING, &q.quick},
        {"seed", "SEED", "of weights and data; default: fresh", ASSAY_TAKES_SEED, &q.seed},
        {"threads", "N", "that an implementation may use; default: all processors", ASSAY_TAKES_THREADS, &q.threads},
        {"time-limit", "SECONDS", "for one request to a worker; default 30", ASSAY_TAKES_REAL, &q.time_limit},
        {"vowels", "DIR", "another folder with train.ts and test.ts", ASSAY_TAKES_STORE, &q.folder},
        {"json", "FILE", "write every curve; `assay report` makes a page of it", ASSAY_TAKES_OUTPUT, &q.json},
        {"svg", "FILE", "draw the curves", ASSAY_TAKES_OUTPUT, &q.svg},
        {0}};
    const char *own = q.folder;
    q.folder = NULL;
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    if (!q.folder) q.folder = own;
    if (!is_a_task(q.task)) return ASSAY_EXIT_USAGE;
    status = assay_plugins_select(&impls, &q.plugins);
    if (status >= 0) return status;
    q.all = calloc(MOST_TASKS, sizeof *q.all);
    if (q.all)
        status = perform(&q);
    else
        status = ASSAY_EXIT_UNABLE;
    for (int k = 0; k < q.count; k++)
        assay_convergence_free(&q.all[k]);
    free(q.all);
    assay_plugins_free(&q.plugins);
    return status;
}
