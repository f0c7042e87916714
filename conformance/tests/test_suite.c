/* test_suite.c: the suite as a whole: a crash or a hang costs one case, every verdict is delivered, bad names are
 * refused. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/case_parse.h"
#include "conformance/certificate.h"
#include "conformance/mutation.h"
#include "conformance/suite.h"
#include "conformance/tests/folder.h"

typedef struct seen {
    int results, total;
    char crashed[96], late[96], reproducer[512], why[256], refused[256];
} seen;

static void on_result(void *user, const assay_result *r)
{
    seen *s = user;
    s->results++;
    assert_true(strlen(r->plugin_hash) == 64 || r->verdict != ASSAY_VERDICT_PASS);
    if (r->verdict == ASSAY_VERDICT_CRASHED) {
        snprintf(s->crashed, sizeof s->crashed, "%s", r->case_id);
        snprintf(s->reproducer, sizeof s->reproducer, "%s", r->reproducer);
        snprintf(s->why, sizeof s->why, "%s", r->why);
    }
    if (r->verdict == ASSAY_VERDICT_UNSUPPORTED) snprintf(s->refused, sizeof s->refused, "%s", r->why);
    if (r->verdict == ASSAY_VERDICT_TIMEOUT) snprintf(s->late, sizeof s->late, "%s", r->case_id);
}

static assay_suite_options options(const char *const *plugin, seen *s)
{
    assay_suite_options o;
    memset(s, 0, sizeof *s);
    memset(&o, 0, sizeof o);
    o.plugins = plugin;
    o.plugin_count = 1;
    o.seed = 0x5eed;
    o.level = ASSAY_LEVEL_QUICK;
    o.threads = 1;
    o.worker = ASSAY_WORKER;
    o.on_result = on_result;
    o.user = s;
    return o;
}

static void what_it_says_to_lack_is_not_held_against_it(void **state)
{
    const char *const plugin[] = {ASSAY_LACKING};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.op = "rnn";
    o.check = "environment";
    o.glob = "rnn/lstm.uni.l1.t1.n1.i1.h1.one";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 1);
    assert_int_equal(assay_summary_exit(&sum), 0);
}

static void rows_that_it_says_not_to_take_are_unsupported(void **state)
{
    const char *const plugin[] = {ASSAY_LACKING};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.check = "forward";
    o.glob = "rnn/lstm.uni.l1.t7.n5.i3.h5.ragged";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_UNSUPPORTED], s.results);
    assert_string_equal(s.refused, "full rows only");
    assert_int_equal(assay_summary_exit(&sum), 1);
}

/* `inferring` fails in any other pass: asked for one, it would be a FAIL. */
static void who_only_infers_is_judged_by_inference_alone(void **state)
{
    const char *const plugin[] = {ASSAY_INFERRING};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.op = "rnn";
    o.glob = "rnn/lstm.uni.l1.t3.n37.i4.h5.rows"; /* in fp32 alone */
    o.check = "forward";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 1);
    assert_int_equal(s.results, 1);
    memset(&s, 0, sizeof s);
    o.check = "backward";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_UNSUPPORTED], s.results);
    assert_string_equal(s.refused, "inference only");
    assert_int_equal(assay_summary_exit(&sum), 1);
}

/* `silent` gives none: the suite finds what it is that is refused. */
static void a_refusal_without_a_reason_is_given_one(void **state)
{
    const char *const plugin[] = {ASSAY_SILENT};
    const struct {
        const char *id, *reason;
    } refused[] = {
        {"rnn/gru-before.uni.l1.t3.n2.i4.h5", "no reason given; missing: cell gru with gru_reset 0"},
        {"rnn/lstm-sum.bi.l2.t3.n2.i4.h5", "no reason given; missing: directions 2 with merge 1"},
        {"ctc/ctc-mean.t4.n2.k5.u2-1", "no reason given; missing: op ctc, here t 4, n 2"},
        {"rnn/relu.uni.l1.t5.n3.i4.h6.plain", "no reason given; missing: arithmetic fp64"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        seen s;
        assay_summary sum;
        char why[256] = "";
        assay_case_spec spec;
        assay_case spelt;
        assay_suite_options o = options(plugin, &s);
        assert_int_equal(assay_case_parse(refused[k].id, &spec, &spelt, why, sizeof why), ASSAY_OK);
        o.check = "forward";
        o.glob = refused[k].id;
        o.extra = &spelt;
        o.extra_count = !assay_case_is_in_table(refused[k].id);
        assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
        assert_true(sum.counts[ASSAY_VERDICT_UNSUPPORTED] > 0);
        assert_string_equal(s.refused, refused[k].reason);
    }
}

static void a_crash_and_a_hang_cost_their_case_only(void **state)
{
    const char *const plugin[] = {ASSAY_FRAGILE};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.op = "rnn";
    o.check = "forward";
    o.glob = "rnn/lstm.*";
    o.time_limit = 1.5;
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_string_equal(s.crashed, "rnn/lstm.uni.l1.t3.n7.i17.h35.tail");
    assert_string_equal(s.late, "rnn/lstm.uni.l1.t7.n5.i3.h5.ragged");
    assert_non_null(strstr(s.why, "SIGILL"));
    assert_non_null(strstr(s.reproducer, "--case 'rnn/lstm.uni.l1.t3.n7.i17.h35.tail' --check forward --seed 0x5eed"));
    assert_int_equal(sum.counts[ASSAY_VERDICT_CRASHED], 1);
    assert_true(sum.counts[ASSAY_VERDICT_PASS] >= 10);
    assert_int_equal(sum.counts[ASSAY_VERDICT_FAIL], 0);
    assert_int_equal(assay_summary_exit(&sum), 1);
}

static void a_plugin_that_dies_at_load_is_one_result(void **state)
{
    const char *const plugin[] = {ASSAY_TEST_DIR "/crash_on_load.so"};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.op = "xent";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(s.results, 1);
    assert_int_equal(sum.counts[ASSAY_VERDICT_CRASHED], 1);
    int left = 0, all = 0;
    assert_int_equal(sscanf(s.why, "%d of %d cases could not be run", &left, &all), 2);
    assert_true(left == all && all > 5);
    assert_non_null(strstr(s.why, "crash_on_load.so"));
    assert_null(strstr(s.reproducer, "--check"));
    assert_int_equal(assay_summary_exit(&sum), 1);
}

static void a_plugin_that_hangs_at_load_is_one_result_and_the_others_run(void **state)
{
    const char *const plugin[] = {ASSAY_TEST_DIR "/hang_on_load.so", ASSAY_NAIVE};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.plugin_count = 2;
    o.op = "xent";
    o.time_limit = 1.5;
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_TIMEOUT], 1);
    assert_true(sum.counts[ASSAY_VERDICT_PASS] > 10);
    assert_int_equal(assay_summary_exit(&sum), 1);
}

/* That is no fault of the plugin, and no pass either. */
static void without_a_worker_the_suite_is_broken(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.op = "xent";
    o.worker = "/nowhere/assay-worker";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(s.results, 1);
    assert_int_equal(sum.counts[ASSAY_VERDICT_BROKEN], 1);
    assert_int_equal(assay_summary_exit(&sum), 3);
}

/* The file goes with the first crash, so the plugin can't be started again. */
static void remove_with_the_crash(void *user, const assay_result *r)
{
    on_result(user, r);
    if (r->verdict == ASSAY_VERDICT_CRASHED) unlink(r->plugin);
}

static void a_plugin_that_is_gone_after_a_crash_is_one_more_result(void **state)
{
    char path[64], why[256] = "";
    const char *const plugin[] = {path};
    seen s;
    assay_summary sum;
    (void)state;
    snprintf(path, sizeof path, "./fragile.%ld.so", (long)getpid());
    unlink(path);
    assert_int_equal(symlink(ASSAY_FRAGILE, path), 0);
    assay_suite_options o = options(plugin, &s);
    o.on_result = remove_with_the_crash;
    o.time_limit = 1.5;
    o.op = "rnn";
    o.check = "forward";
    o.glob = "rnn/lstm.*";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_CRASHED], 2);
    int left = 0, all = 0;
    assert_int_equal(sscanf(s.why, "%d of %d cases could not be run", &left, &all), 2);
    assert_true(left < all && left > 0);
}

/* A gate for one plugin, with an empty folder of certificates in the test's own; the cache is that of all tests. */
static assay_gate gate_for(const char *plugin, const char *folder, seen *s)
{
    static char certificates[256];
    assay_gate g = {.plugin = plugin, .label = plugin, .folder = certificates, .device = "test"};
    snprintf(certificates, sizeof certificates, "%s/%s", test_folder(), folder);
    assert_int_equal(mkdir(certificates, 0700), 0);
    g.suite = options(NULL, s);
    g.suite.cache = ASSAY_CACHE;
    return g;
}

static assay_problem small_xent(void)
{
    return (assay_problem){.op = ASSAY_OP_XENT,
                           .arithmetic = ASSAY_FP32,
                           .t = 1,
                           .n = 2,
                           .classes = 3,
                           .dialect = {.xent_reduction = ASSAY_REDUCE_MEAN}};
}

static void the_gate_stays_shut_for_a_wrong_plugin(void **state)
{
    const assay_problem p = small_xent();
    const assay_need need = {&p, 0, 1};
    seen s;
    char why[512] = "";
    assay_certificate c;
    const assay_gate g = gate_for(ASSAY_MUTANT_DIR "/xent-normaliser.so", "wrong", &s);
    (void)state;
    assert_int_equal(assay_gate_open(&g, &need, &c, why, sizeof why), ASSAY_FAILED);
    assert_non_null(strstr(why, "does not conform: FAIL"));
    assert_true(s.results > 10);
}

/* A pass of each dialect's easy cases must not open the gate to what was refused. */
static void the_gate_stays_shut_for_what_a_plugin_refuses(void **state)
{
    assay_problem p = {
        .op = ASSAY_OP_RNN,
        .arithmetic = ASSAY_FP32,
        .t = 9,
        .n = 8,
        .i = 7,
        .h = 6,
        .layers = 1,
        .directions = 1,
        .dialect = {.cell = ASSAY_LSTM, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE}};
    const assay_need plain = {&p, 0, 1}, ragged = {&p, 1, 1};
    seen s;
    char why[512] = "";
    assay_certificate c;
    const assay_gate g = gate_for(ASSAY_PICKY, "picky", &s);
    (void)state;
    assert_int_equal(assay_gate_open(&g, &plain, &c, why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_gate_open(&g, &ragged, &c, why, sizeof why), ASSAY_FAILED);
    assert_non_null(strstr(why, "picky: rnn.lstm.b2 is UNSUPPORTED in forward with ragged lengths"));
    p.layers = 2;
    assert_int_equal(assay_gate_open(&g, &plain, &c, why, sizeof why), ASSAY_FAILED);
    assert_non_null(strstr(why, "picky: rnn.lstm.b2 has no pass of forward with several layers"));
}

/* It opens for an honest one, reads its certificate the next time, and each number of threads has one of its own. */
static void the_gate_opens_for_an_honest_plugin_at_each_number_of_threads(void **state)
{
    const assay_problem p = small_xent();
    seen s;
    char why[512] = "";
    assay_certificate c;
    const assay_gate g = gate_for(ASSAY_NAIVE, "honest", &s);
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        const assay_need need = {&p, 0, threads};
        s.results = 0;
        assert_int_equal(assay_gate_open(&g, &need, &c, why, sizeof why), ASSAY_OK);
        assert_int_equal(c.threads, threads);
        assert_true(s.results > 10);
        s.results = 0;
        assert_int_equal(assay_gate_open(&g, &need, &c, why, sizeof why), ASSAY_OK);
        assert_int_equal(s.results, 0); /* nothing was checked again */
    }
}

static void mutants_are_killed_and_honest_ones_are_not(void **state)
{
    seen s;
    char why[256] = "";
    assay_mutation_result r;
    assay_suite_options o = options(NULL, &s);
    const assay_mutant *m = assay_mutant_by_name("lstm-if-swapped");
    (void)state;
    assert_non_null(m);
    assert_null(assay_mutant_by_name("nobody"));
    assert_null(assay_mutant_get(-1));
    assert_int_equal(assay_mutation_run(m, ASSAY_MUTANT_DIR "/lstm-if-swapped.so", &o, 0, &r, why, sizeof why),
                     ASSAY_OK);
    assert_true(r.held && r.weakest > ASSAY_KILL_MARGIN);
    /* The honest implementation under the mutant's row: nothing kills it. */
    assay_mutant row = *m;
    row.glob = "rnn/tanh.*";
    assert_int_equal(assay_mutation_run(&row, ASSAY_NAIVE, &o, 0, &r, why, sizeof why), ASSAY_OK);
    assert_false(r.held);
    assert_non_null(strstr(r.why, "did not kill"));
    row.death = ASSAY_DEATH_NONE;
    assert_int_equal(assay_mutation_run(&row, ASSAY_NAIVE, &o, 0, &r, why, sizeof why), ASSAY_OK);
    assert_true(r.held);
    row.glob = "xent/*";
    assert_int_equal(assay_mutation_run(&row, ASSAY_MUTANT_DIR "/xent-normaliser.so", &o, 0, &r, why, sizeof why),
                     ASSAY_OK);
    assert_false(r.held);
}

/* What was prepared for one seed passes there: it is the fresh one that finds it. */
static void a_seed_that_is_known_proves_nothing_about_others(void **state)
{
    const char *const plugin[] = {ASSAY_MUTANT_DIR "/known-seed.so"};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.check = "forward";
    o.glob = "rnn/lstm.uni.l1.t5.n3.i4.h6.plain";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 1);
    o.seed++;
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(sum.counts[ASSAY_VERDICT_FAIL], 1);
}

/* At this seed a bias gradient cancels to a tenth of a percent of its terms after the third step, and no arithmetic
 * could decide: other data of the same case do. The seed stays the one that was asked for. */
static void what_cannot_be_decided_is_tried_on_other_data(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE};
    seen s;
    assay_summary sum;
    char why[256] = "";
    assay_suite_options o = options(plugin, &s);
    (void)state;
    o.seed = 0x138c;
    o.check = "update";
    o.glob = "network/gru.uni.l1.t7.n3.i4.h6.emb-gru";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    assert_int_equal(s.results, 1);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 1);
    assert_int_equal(sum.ill_posed_committed, 0);
}

static void count_total(void *user, int done, int total, const char *case_id)
{
    (void)done, (void)case_id;
    ((seen *)user)->total = total;
}

static int after_one(void *user)
{
    return ((const seen *)user)->total > 0;
}

/* How many cases of the quick level a glob selects. */
static int selected_by(const char *glob, int within_level, char why[256])
{
    const char *const plugin[] = {ASSAY_NAIVE};
    seen s;
    assay_summary sum;
    assay_suite_options o = options(plugin, &s);
    o.check = "forward";
    o.glob = glob;
    o.within_level = within_level;
    o.on_progress = count_total;
    o.stop = after_one;
    return assay_suite_run(&o, &sum, why, 256) == ASSAY_OK ? s.total : 0;
}

static void a_glob_picks_from_the_set_that_is_asked_for(void **state)
{
    char why[256] = "";
    (void)state;
    assert_int_equal(selected_by("xent/xent-smooth*", 0, why), 3);
    assert_int_equal(selected_by("xent/xent-smooth*", 1, why), 2);
    assert_int_equal(selected_by("xent/xent-smooth.t1.n3.k1003.wide", 1, why), 1); /* not of the quick set, but named */
    assert_int_equal(selected_by("xent/xent-smooth*wide", 1, why), 0);
    assert_non_null(
        strstr(why, "--case xent/xent-smooth*wide --quick: the quick set has none of them, the other sets have 1"));
}

static void bad_names_are_refused_in_one_line(void **state)
{
    const char *const plugin[] = {ASSAY_NAIVE}, *const none[] = {"/nowhere.so"};
    seen s;
    assay_summary sum;
    char why[256] = "";
    (void)state;
    assay_suite_options o = options(plugin, &s);
    o.op = "conv";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "op 'conv' is unknown"));
    o = options(plugin, &s);
    o.check = "forward,backwards";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "check 'backwards' is unknown"));
    o = options(plugin, &s);
    o.glob = "nothing/*";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "no case is selected by --case nothing/*:"));
    o = options(plugin, &s);
    o.op = "xent";
    o.check = "update";
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "no case is selected by --op xent --check update --quick:"));
    o = options(none, &s);
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "/nowhere.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_and_a_hang_cost_their_case_only),
        cmocka_unit_test(a_plugin_that_dies_at_load_is_one_result),
        cmocka_unit_test(a_plugin_that_hangs_at_load_is_one_result_and_the_others_run),
        cmocka_unit_test(without_a_worker_the_suite_is_broken),
        cmocka_unit_test(a_plugin_that_is_gone_after_a_crash_is_one_more_result),
        cmocka_unit_test(the_gate_stays_shut_for_a_wrong_plugin),
        cmocka_unit_test(the_gate_stays_shut_for_what_a_plugin_refuses),
        cmocka_unit_test(the_gate_opens_for_an_honest_plugin_at_each_number_of_threads),
        cmocka_unit_test(mutants_are_killed_and_honest_ones_are_not),
        cmocka_unit_test(what_it_says_to_lack_is_not_held_against_it),
        cmocka_unit_test(rows_that_it_says_not_to_take_are_unsupported),
        cmocka_unit_test(who_only_infers_is_judged_by_inference_alone),
        cmocka_unit_test(a_refusal_without_a_reason_is_given_one),
        cmocka_unit_test(a_seed_that_is_known_proves_nothing_about_others),
        cmocka_unit_test(what_cannot_be_decided_is_tried_on_other_data),
        cmocka_unit_test(a_glob_picks_from_the_set_that_is_asked_for),
        cmocka_unit_test(bad_names_are_refused_in_one_line),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
