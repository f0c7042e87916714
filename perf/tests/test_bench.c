/* test_bench.c: what is timed is what was certified: the very file, with that number of threads.
 * SPDX-License-Identifier: MIT */
#include "perf/bench.h"

#include "conformance/file.h"
#include "conformance/tests/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char plugin[64];

static void put(const char *from)
{
    char *bytes = NULL, why[256];
    size_t size = 0;
    assert_int_equal(assay_file_read(from, 1u << 26, &bytes, &size, why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_file_write(plugin, bytes, size, why, sizeof why), ASSAY_OK);
    free(bytes);
}

/* What the gate was asked. */
typedef struct asked {
    int count;
    int32_t threads[8];
    const char *replace_by; /* put in the plugin's place when it has been certified */
    int only_once;          /* 1: refuses from the second time on */
    int twice;              /* 1: two rows of the same file */
    double budget;          /* seconds; 0: many */
    double memory;          /* GiB for everybody; 0: what is free */
    int stops, patience;    /* stops 1: from the question so many after the last certificate on */
    int turns, without;     /* lines about somebody who takes turns, or has not enough even so */
    char line[512];         /* the last one that was said */
} asked;

/* A gate that believes what it loads. */
static assay_status gate(void *user, const char *path, const assay_need *need, assay_certificate *out, char *why,
                         size_t why_size)
{
    asked *a = user;
    const assay_session_options options = {.threads = need->threads, .time_limit = 60, .worker = ASSAY_WORKER};
    assay_session *s;
    if (a->count < 8) a->threads[a->count] = need->threads;
    if (a->count++ && a->only_once) {
        snprintf(why, why_size, "not with %d", (int)need->threads);
        return ASSAY_FAILED;
    }
    assay_session_start(path, &options, &s);
    assert_non_null(s);
    assay_session_libraries(s);
    assay_certificate_begin(assay_session_about(s), "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, need->threads, 7, out);
    assay_session_end(s);
    if (a->replace_by) put(a->replace_by);
    return ASSAY_OK;
}

static assay_judgement judge(void *user, const assay_kept *kept)
{
    (void)user, (void)kept;
    return (assay_judgement){ASSAY_VERDICT_BROKEN, 0, "nothing is judged here"};
}

/* Nothing is to get as far as timing. */
static int is_timing(void *user)
{
    asked *a = user;
    if (a->stops && a->count > a->twice) return a->patience-- <= 0;
    return strstr(a->line, ": seed 0x") != NULL;
}

static void on_line(void *user, const char *line)
{
    asked *a = user;
    snprintf(a->line, sizeof a->line, "%s", line);
    a->turns += strstr(line, "takes turns in memory") != NULL;
    a->without += strstr(line, "all: memory: ") != NULL;
}

static assay_bench_summary bench(asked *a)
{
    const char *const plugins[] = {plugin, plugin};
    const assay_bench_options o = {.plugins = plugins,
                                   .plugin_count = 1 + a->twice,
                                   .globs = (const char *const[]){"f.imdb-gru"},
                                   .glob_count = 1,
                                   .budget = a->budget > 0 ? a->budget : 600,
                                   .memory = a->memory,
                                   .worker = ASSAY_WORKER,
                                   .gate = gate,
                                   .judge = judge,
                                   .progress = on_line,
                                   .stop = is_timing,
                                   .user = a};
    assay_bench_summary summary;
    assay_records records = {0};
    assay_gbench *g = assay_gbench_begin();
    char why[256];
    assert_non_null(g);
    assert_int_equal(assay_bench_run(&o, g, &records, &summary, why, sizeof why), ASSAY_OK);
    assert_int_equal(records.count, 0);
    assay_records_free(&records);
    assay_gbench_end(g);
    return summary;
}

static void a_file_that_was_replaced_after_its_check_is_not_timed(void **state)
{
    asked a = {.replace_by = ASSAY_OTHER};
    (void)state;
    put(ASSAY_PLUGIN);
    const assay_bench_summary s = bench(&a);
    assert_int_equal(a.count, 1);
    assert_int_equal(s.timed, 0);
    assert_int_equal(s.failed, 1);
    assert_non_null(strstr(a.line, "MISTRUSTED: "));
    if (geteuid() == 0) assert_non_null(strstr(a.line, "its file is another than was certified"));
}

static void another_number_of_threads_is_certified_before_it_is_timed(void **state)
{
    assay_machine machine;
    asked a = {.only_once = 1};
    (void)state;
    assay_machine_read(&machine);
    if (machine.cores < 2) skip(); /* one processor has one number of threads */
    put(ASSAY_CROWDED);
    const assay_bench_summary s = bench(&a);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.threads[0], machine.cores);
    assert_true(a.threads[1] < a.threads[0]);
    assert_int_equal(s.timed, 0);
    assert_int_equal(s.failed, 1);
    assert_non_null(strstr(a.line, "not certified: not with"));
}

/* Of a budget of two seconds, after calibrations, none of five steps may take one. */
static void a_first_call_that_leaves_no_time_for_others_is_ended(void **state)
{
    asked a = {.budget = 2};
    (void)state;
    put(ASSAY_CROWDED);
    const assay_bench_summary s = bench(&a);
    assert_int_equal(s.failed, 0);
    assert_int_equal(s.left_out, 1);
    assert_non_null(strstr(a.line, "budget: a first call takes more than 0."));
}

/* A plan of f.imdb-gru needs more than a tenth of a GiB, and less than a fifth. */
static void who_does_not_fit_into_memory_takes_turns_or_is_left_out(void **state)
{
    static const struct {
        double gib;
        int turns, without;
    } rows[] = {{0, 0, 0}, {1, 0, 0}, {0.2, 2, 0}, {0.1, 0, 2}};
    (void)state;
    put(ASSAY_PLUGIN);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        asked a = {.memory = rows[k].gib, .twice = 1};
        const assay_bench_summary s = bench(&a);
        if (a.turns != rows[k].turns || a.without != rows[k].without)
            fail_msg("%g GiB: %d take turns, %d are left out; %d and %d expected", rows[k].gib, a.turns, a.without,
                     rows[k].turns, rows[k].without);
        assert_int_equal(s.failed, 0);
        assert_int_equal(s.left_out, 2); /* the others by the stop */
    }
}

/* Who has no plan yet when it is stopped did not fail, and is named. */
static void whenever_it_is_stopped_nobody_has_failed(void **state)
{
    (void)state;
    put(ASSAY_PLUGIN);
    for (int patience = 0; patience < 3; patience++) { /* before the first plan, the second, and what comes then */
        asked a = {.stops = 1, .twice = 1, .patience = patience};
        const assay_bench_summary s = bench(&a);
        assert_int_equal(s.failed, 0);
        assert_int_equal(s.left_out, 2);
    }
}

static int make_folder(void **state)
{
    if (test_folder_make(state) != 0) return -1;
    snprintf(plugin, sizeof plugin, "%s/plugin.so", test_folder());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_was_replaced_after_its_check_is_not_timed),
        cmocka_unit_test(another_number_of_threads_is_certified_before_it_is_timed),
        cmocka_unit_test(a_first_call_that_leaves_no_time_for_others_is_ended),
        cmocka_unit_test(who_does_not_fit_into_memory_takes_turns_or_is_left_out),
        cmocka_unit_test(whenever_it_is_stopped_nobody_has_failed),
    };
    return cmocka_run_group_tests(tests, make_folder, test_folder_remove);
}
