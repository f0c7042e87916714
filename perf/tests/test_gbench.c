/* test_gbench.c: samples go through Google Benchmark unchanged, and its JSON says so.
 * SPDX-License-Identifier: MIT */
#include "perf/gbench.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

typedef struct script {
    const double *seconds;
    int next;
} script;

static double play(void *user)
{
    script *s = user;
    return s->seconds[s->next++];
}

static int begin(void **state)
{
    *state = assay_gbench_begin();
    return *state == NULL;
}

static int end(void **state)
{
    assay_gbench_end(*state);
    return 0;
}

static json_t *document(assay_gbench *g)
{
    char *text = assay_gbench_json(g);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return root;
}

static void a_sample_is_called_once_and_its_time_kept(void **state)
{
    const double seconds[] = {0.25, 0.125};
    script s = {seconds, 0};
    assert_true(fabs(assay_gbench_take(*state, "w/i/step", "blas", play, &s) - 0.25) < 1e-12);
    assert_int_equal(s.next, 1);
    assert_true(fabs(assay_gbench_take(*state, "w/i/step", "blas", play, &s) - 0.125) < 1e-12);
    assert_int_equal(s.next, 2);
}

static void the_json_holds_every_sample_in_milliseconds(void **state)
{
    const double seconds[] = {0.25, 0.125};
    script s = {seconds, 0};
    assay_gbench_take(*state, "w/i/step", "the label", play, &s);
    assay_gbench_take(*state, "w/i/step", "the label", play, &s);
    json_t *root = document(*state), *runs = json_object_get(root, "benchmarks");
    assert_int_equal(json_array_size(runs), 2);
    json_t *second = json_array_get(runs, 1);
    assert_string_equal(json_string_value(json_object_get(second, "time_unit")), "ms");
    assert_string_equal(json_string_value(json_object_get(second, "label")), "the label");
    assert_true(fabs(json_number_value(json_object_get(second, "real_time")) - 125) < 1e-9);
    json_decref(root);
}

static void a_failed_sample_is_not_a_number_and_an_error_in_the_json(void **state)
{
    const double seconds[] = {NAN, -1};
    script s = {seconds, 0};
    assert_true(isnan(assay_gbench_take(*state, "w/i/step", "", play, &s)));
    assert_true(isnan(assay_gbench_take(*state, "w/i/step", "", play, &s)));
    json_t *root = document(*state);
    json_t *run = json_array_get(json_object_get(root, "benchmarks"), 0);
    assert_true(json_is_true(json_object_get(run, "error_occurred")));
    json_decref(root);
}

static void own_facts_stand_in_the_context(void **state)
{
    assert_int_equal(assay_gbench_context(*state, "governor", "performance"), 0);
    assert_int_equal(assay_gbench_context(*state, "governor", "powersave"), 0);
    json_t *root = document(*state), *context = json_object_get(root, "context");
    assert_string_equal(json_string_value(json_object_get(context, "governor")), "powersave");
    assert_true(json_integer_value(json_object_get(context, "num_cpus")) > 0);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sample_is_called_once_and_its_time_kept, begin, end),
        cmocka_unit_test_setup_teardown(the_json_holds_every_sample_in_milliseconds, begin, end),
        cmocka_unit_test_setup_teardown(a_failed_sample_is_not_a_number_and_an_error_in_the_json, begin, end),
        cmocka_unit_test_setup_teardown(own_facts_stand_in_the_context, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
