/* test_check.c: what a run showed before it was cut short is printed, written and told by the exit status.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/check.h"
#include "perf/cli/command.h"

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_OF(state) (*(const char **)(state))

static int name_file(void **state)
{
    static char path[64];
    snprintf(path, sizeof path, "test_check.%ld.tmp", (long)getpid());
    *state = path;
    return 0;
}

static int remove_file(void **state)
{
    unlink(FILE_OF(state));
    return 0;
}

static assay_status no_data(const assay_case *c, uint64_t seed, int state, assay_values *out, int64_t *step)
{
    (void)c, (void)seed, (void)state, (void)out, (void)step;
    return ASSAY_NO_MEMORY;
}

/* Comes after all cases of the table; its id is one that the glob of a request below selects. */
static assay_case without_data(const char *id)
{
    assay_case c;
    assay_case_get(0, &c);
    snprintf(c.id, sizeof c.id, "%s", id);
    c.flags |= ASSAY_CASE_QUICK;
    c.fill = no_data;
    return c;
}

static assay_check_request request(const char *const *plugin, const char *glob, const assay_case *extra,
                                   const char *json)
{
    return (assay_check_request){.command = "check",
                                 .suite = {.plugins = plugin,
                                           .plugin_count = 1,
                                           .glob = glob,
                                           .level = ASSAY_LEVEL_QUICK, /* large cases show nothing more here */
                                           .within_level = 1,
                                           .seed = 0x5eed,
                                           .threads = 1,
                                           .extra = extra,
                                           .extra_count = extra ? 1 : 0},
                                 .repeat = 1,
                                 .json = json};
}

/* complete, number of results, number of FAIL */
static void written(const char *path, int *complete, int *results, int *failures)
{
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    *complete = json_is_true(json_object_get(root, "complete"));
    *results = (int)json_array_size(json_object_get(root, "results"));
    *failures = (int)json_integer_value(json_object_get(json_object_get(root, "counts"), "FAIL"));
    json_decref(root);
}

static void a_whole_run_is_complete(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE};
    int complete, results, failures;
    assay_check_request q = request(plugin, "xent/*", NULL, FILE_OF(state));
    assert_int_equal(assay_check_perform(&q), ASSAY_EXIT_HELD);
    assert_int_equal(q.whole, 1);
    written(FILE_OF(state), &complete, &results, &failures);
    assert_true(complete && results > 10 && failures == 0);
}

static void results_before_a_case_without_data_are_kept(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE};
    int complete, results, failures;
    assay_case last = without_data("xent/last");
    assay_check_request q = request(plugin, "xent/*", &last, FILE_OF(state));
    assert_int_equal(assay_check_perform(&q), ASSAY_EXIT_UNABLE);
    assert_int_equal(q.whole, 0);
    written(FILE_OF(state), &complete, &results, &failures);
    assert_true(!complete && results > 10 && failures == 0);
}

static void a_failure_before_a_case_without_data_stands(void **state)
{
    const char *const plugin[] = {ASSAY_MUTANT};
    int complete, results, failures;
    assay_case last = without_data("xent/last");
    assay_check_request q = request(plugin, "xent/*", &last, FILE_OF(state));
    assert_int_equal(assay_check_perform(&q), ASSAY_EXIT_BROKEN);
    written(FILE_OF(state), &complete, &results, &failures);
    assert_true(!complete && results > 10 && failures > 0);
}

static void nothing_before_a_case_without_data_is_no_failure(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE};
    int complete, results, failures;
    assay_case only = without_data("only/this");
    assay_check_request q = request(plugin, "only/*", &only, FILE_OF(state));
    assert_int_equal(assay_check_perform(&q), ASSAY_EXIT_UNABLE);
    written(FILE_OF(state), &complete, &results, &failures);
    assert_true(!complete && results == 0);
}

/* With the first result: a second signal would end the program. */
static void interrupt(void *user, const assay_result *r)
{
    int *sent = user;
    (void)r;
    if (!(*sent)++) raise(SIGINT);
}

static void results_before_an_interrupt_are_kept(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE};
    int complete, results, failures, sent = 0;
    assay_check_request q = request(plugin, "xent/*", NULL, FILE_OF(state));
    q.also = interrupt;
    q.user = &sent;
    assert_int_equal(assay_check_perform(&q), ASSAY_EXIT_UNABLE);
    assert_int_equal(q.whole, 0);
    written(FILE_OF(state), &complete, &results, &failures);
    const int formats = 5; /* of one case, at the most: fp32, fp64 and three narrow ones */
    assert_true(!complete && results > 0 && results <= formats * assay_check_count());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, name_file, remove_file)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_run_is_complete),
        TEST(results_before_a_case_without_data_are_kept),
        TEST(a_failure_before_a_case_without_data_stands),
        TEST(nothing_before_a_case_without_data_is_no_failure),
        /* last: the interrupt stays */
        TEST(results_before_an_interrupt_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
