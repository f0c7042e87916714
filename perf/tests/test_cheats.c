/* test_cheats.c: plugins that are right in less time than it takes, or in an environment of their own, get no number.
 * SPDX-License-Identifier: MIT */
#include "perf/stats.h"
#include "perf/tests/bed.h"
#include "perf/tests/plugins/cheat.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const double nap = 1e-9 * CHEAT_NAP_NANOSECONDS;

static bed *bed_of(const char *cheat)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", ASSAY_CHEAT_DIR, cheat);
    bed *b = bed_make(path);
    assert_non_null(b);
    b->court.strict = 1;
    return b;
}

/* Samples in which no honest call can have been. */
static int too_short(const bed *b)
{
    int count = 0;
    for (int phase = ASSAY_PHASE_FORWARD; phase < ASSAY_PHASES; phase++) /* pack does not nap */
        for (int32_t k = 0; k < b->entrant.series[phase].count; k++)
            count += !(b->entrant.series[phase].seconds[k] >= nap);
    return count;
}

static int records_of(bed *b)
{
    assay_records records = {0};
    double margin = 0;
    bed_judge(b, &margin);
    int count = assay_outcome_record(&b->of, &b->entrant, margin, &records);
    assay_records_free(&records);
    return count;
}

/* Refused, or timed at what its work takes. */
static void no_false_number(const char *cheat, double estimate)
{
    bed *b = bed_of(cheat);
    if (estimate > 0) b->entrant.estimate = estimate;
    bed_measure_all(b);
    int records = records_of(b);
    assert_true(records == 0 || too_short(b) == 0);
    bed_free(b);
}

/* A crowd on this machine takes the accusation away, and gives nothing for it: where threads waited in the calls that
 * tell, there is no number all the same. */
static void refused(const char *cheat, assay_verdict verdict, const char *why)
{
    bed *b = bed_of(cheat);
    bed_measure_all(b);
    int records = records_of(b);
    if (!strstr(b->entrant.rig.why, why)) fprintf(stderr, "%s: \"%s\"\n", cheat, b->entrant.rig.why);
    const int crowded =
        b->entrant.rig.verdict == ASSAY_VERDICT_BROKEN && strstr(b->entrant.rig.why, "waited for a processor");
    if (!crowded || verdict != ASSAY_VERDICT_MISTRUSTED) assert_int_equal(b->entrant.rig.verdict, verdict);
    assert_non_null(strstr(b->entrant.rig.why, why));
    assert_int_equal(records, 0);
    bed_free(b);
}

static void an_honest_one_has_its_numbers(void **state)
{
    (void)state;
    bed *b = bed_of("honest");
    bed_measure_all(b);
    assert_int_equal(records_of(b), ASSAY_PHASES);
    assert_string_equal(b->entrant.rig.why, "");
    assert_int_equal(too_short(b), 0);
    bed_free(b);
}

static void a_call_is_not_repeated(void **state)
{
    (void)state;
    no_false_number("repeats", 0);
}

static void no_question_is_asked_twice(void **state)
{
    (void)state;
    no_false_number("remembers", 0);
}

static void every_step_may_be_the_one_that_is_judged(void **state)
{
    (void)state;
    no_false_number("unwatched", 0);
}

static void so_it_is_where_a_block_has_one_sample(void **state)
{
    (void)state;
    no_false_number("unwatched", 10);
}

static void doing_nothing_in_most_rounds_is_found_every_time(void **state)
{
    (void)state;
    for (int k = 0; k < 5; k++) {
        bed *b = bed_of("now-and-then");
        bed_measure_all(b);
        assert_int_equal(records_of(b), 0);
        assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_FAIL);
        bed_free(b);
    }
}

static void what_is_put_off_is_found_in_unpack(void **state)
{
    (void)state;
    refused("puts-off", ASSAY_VERDICT_MISTRUSTED, "unpack");
}

static void what_is_done_early_is_found_in_pack(void **state)
{
    (void)state;
    refused("early", ASSAY_VERDICT_MISTRUSTED, "pack before it");
}

/* What a call has not under its clock is counted as done ahead of it, wherever it was done; and it is refused if that
 * is more than half a millisecond and a tenth of the call (docs/threat-model.md). By medians, since a parent that is
 * woken late gives one call time that belongs to the next. */
static void what_a_thread_does_between_requests_gains_nothing(void **state)
{
    (void)state;
    bed *b = bed_of("ahead");
    bed_measure_all(b);
    const int records = records_of(b);
    for (int phase = ASSAY_PHASE_FORWARD; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &b->entrant.series[phase], *ahead = &b->entrant.ahead[phase];
        const double work = 0.99e-9 * CHEAT_AHEAD_NANOSECONDS, timed = assay_stats_of(s->seconds, s->count).median;
        double both[256];
        for (int32_t k = 0; k < s->count && k < 256; k++)
            both[k] = s->seconds[k] + ahead->seconds[k];
        const double all = assay_stats_of(both, s->count < 256 ? s->count : 256).median;
        if (all < work || (records && 1.1 * timed + 0.0005 < work))
            fail_msg("%s: %.3g ms under the clock, %.3g ms with what was done ahead of it, of %.3g ms",
                     assay_phase_name(phase), timed * 1e3, all * 1e3, work * 1e3);
    }
    bed_free(b);
}

static void what_threads_do_while_pack_waits_is_found(void **state)
{
    (void)state;
    refused("ahead-in-pack", ASSAY_VERDICT_MISTRUSTED, "processor time");
}

static void what_is_put_off_is_below_the_roof(void **state)
{
    (void)state;
    bed *b = bed_of("puts-off");
    double flop = assay_workload_flop_forward(&bed_small) + assay_workload_flop_backward(&bed_small);
    b->of.peak = flop * 1e-9 / (nap / 2); /* a machine that needs half a nap for a step: an honest one takes longer */
    assay_measure_steps(&b->m, b->entrants, 1, 0);
    assert_int_equal(records_of(b), 0);
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
    assert_non_null(strstr(b->entrant.rig.why, "less than the declared work takes"));
    bed_free(b);
}

/* What is asked for in return is fewer samples, or a time that counts the start. */
static void a_slow_start_buys_nothing(void **state)
{
    (void)state;
    bed *b = bed_of("slow-start");
    assert_true(b->entrant.estimate >= 1e-9 * CHEAT_START_NANOSECONDS);
    assay_measure_steps(&b->m, b->entrants, 1, 0);
    const assay_series *steps = &b->entrant.series[ASSAY_PHASE_STEP];
    assert_true(steps->count >= ASSAY_SAMPLES_LEAST);
    for (int32_t k = 0; k < steps->count; k++)
        assert_true(steps->seconds[k] >= nap && steps->seconds[k] < 1e-9 * CHEAT_START_NANOSECONDS);
    bed_free(b);
}

static void nothing_in_the_buffers_tells_that_nobody_looks(void **state)
{
    (void)state;
    no_false_number("prepared", 0);
}

static void what_is_wrong_at_the_timed_shape_only_is_found_there(void **state)
{
    (void)state;
    refused("timed-shape", ASSAY_VERDICT_FAIL, "far off");
}

static void what_is_left_to_a_thread_is_not_there_when_it_is_read(void **state)
{
    (void)state;
    no_false_number("elsewhere", 0);
}

static void an_answer_before_the_work_gains_nothing(void **state)
{
    (void)state;
    no_false_number("answers-first", 0);
}

static void flushing_subnormals_under_the_clock_is_noticed(void **state)
{
    (void)state;
    refused("sets-ftz", ASSAY_VERDICT_FAIL, "floating-point environment");
}

static void printing_under_the_clock_is_noticed(void **state)
{
    (void)state;
    refused("prints", ASSAY_VERDICT_FAIL, "printed");
}

static void allocating_under_the_clock_is_noticed(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its allocator can't be counted */
#endif
    refused("allocates", ASSAY_VERDICT_FAIL, "allocat");
}

static void a_thread_started_under_the_clock_is_noticed(void **state)
{
    (void)state;
    refused("starts-threads", ASSAY_VERDICT_FAIL, "thread");
}

static void more_processors_than_threads_are_noticed(void **state)
{
    (void)state;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) || CPU_COUNT(&set) < 2) skip(); /* one processor can't be two */
    refused("more-threads", ASSAY_VERDICT_MISTRUSTED, "processor time");
}

static void a_slow_clock_in_the_worker_is_noticed(void **state)
{
    (void)state;
    refused("slow-clock", ASSAY_VERDICT_MISTRUSTED, "clock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_one_has_its_numbers),
        cmocka_unit_test(a_call_is_not_repeated),
        cmocka_unit_test(no_question_is_asked_twice),
        cmocka_unit_test(every_step_may_be_the_one_that_is_judged),
        cmocka_unit_test(so_it_is_where_a_block_has_one_sample),
        cmocka_unit_test(doing_nothing_in_most_rounds_is_found_every_time),
        cmocka_unit_test(what_is_put_off_is_found_in_unpack),
        cmocka_unit_test(what_is_done_early_is_found_in_pack),
        cmocka_unit_test(what_a_thread_does_between_requests_gains_nothing),
        cmocka_unit_test(what_threads_do_while_pack_waits_is_found),
        cmocka_unit_test(what_is_put_off_is_below_the_roof),
        cmocka_unit_test(a_slow_start_buys_nothing),
        cmocka_unit_test(nothing_in_the_buffers_tells_that_nobody_looks),
        cmocka_unit_test(what_is_wrong_at_the_timed_shape_only_is_found_there),
        cmocka_unit_test(what_is_left_to_a_thread_is_not_there_when_it_is_read),
        cmocka_unit_test(an_answer_before_the_work_gains_nothing),
        cmocka_unit_test(flushing_subnormals_under_the_clock_is_noticed),
        cmocka_unit_test(printing_under_the_clock_is_noticed),
        cmocka_unit_test(allocating_under_the_clock_is_noticed),
        cmocka_unit_test(a_thread_started_under_the_clock_is_noticed),
        cmocka_unit_test(more_processors_than_threads_are_noticed),
        cmocka_unit_test(a_slow_clock_in_the_worker_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
