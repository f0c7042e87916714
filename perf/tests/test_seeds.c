/* test_seeds.c: no published time without its row here or the reason, no number of a defect without the defect.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/seeds.h"
#include "perf/workload.h"

static void every_published_time_has_its_seed(void **state)
{
    (void)state;
    for (int k = 0; k < assay_published_count(); k++) {
        const assay_published *p = assay_published_get(k);
        if (!assay_seed_find(p->workload, p->implementation))
            fail_msg("%s: %s: published, and perf/seeds.inc has no row of it", p->workload, p->implementation);
    }
    assert_null(assay_seed_find("a1.gru-ce", "Lasagne LSTMLayer")); /* the other group's */
    assert_null(assay_seed_find("b1.lstm-ce-short", "Lasagne"));
}

static void every_seed_was_published_and_has_no_empty_cell(void **state)
{
    (void)state;
    for (int k = 0; k < assay_seed_count(); k++) {
        const assay_seed *s = assay_seed_get(k);
        int there = 0;
        for (int p = 0; p < assay_published_count(); p++)
            there |= assay_seed_find(assay_published_get(p)->workload, assay_published_get(p)->implementation) == s;
        if (!there) fail_msg("%s: %s: in perf/seeds.inc, and nothing is published of it", s->group, s->system);
        if (!s->function[0] || !s->ours[0] || !s->today[0] || !s->defects[0])
            fail_msg("%s: %s: an empty cell", s->group, s->system);
    }
}

static void the_descendant_stands_where_theano_computed(void **state)
{
    (void)state;
    int found = 0;
    for (int k = 0; k < assay_seed_count(); k++) {
        const assay_seed *s = assay_seed_get(k);
        if (!strstr(s->system, "Theano") && !strstr(s->system, "Lasagne")) continue;
        found++;
        if (!strstr(s->today, "descendant: pytensor"))
            fail_msg("%s: %s: expected the row pytensor as the framework of today", s->group, s->system);
    }
    assert_true(found > 0);
}

static int is_defect(const char *group, long number)
{
    const assay_defect *d;
    for (int k = 0; (d = assay_defect_of(group, k)); k++)
        if (d->number == number) return 1;
    return 0;
}

static void every_number_is_a_defect(void **state)
{
    (void)state;
    for (int k = 0; k < assay_seed_count(); k++) {
        const assay_seed *s = assay_seed_get(k);
        char *end;
        for (const char *at = s->defects; *at; at = end) {
            const long number = strtol(at, &end, 10);
            if (end == at || !is_defect(s->group, number))
                fail_msg("%s: %s: '%s': no such defect", s->group, s->system, s->defects);
        }
    }
    assert_false(is_defect("a", 9));
    assert_null(assay_defect_of("e.vgg-cifar", 0));
}

static void defects_are_numbered_from_one(void **state)
{
    (void)state;
    for (int k = 0; k < assay_defect_count(); k++) {
        const assay_defect *d = assay_defect_get(k), *before = k ? assay_defect_get(k - 1) : NULL;
        const int follows = before && !strcmp(before->group, d->group);
        assert_int_equal(d->number, follows ? before->number + 1 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_time_has_its_seed),
        cmocka_unit_test(every_seed_was_published_and_has_no_empty_cell),
        cmocka_unit_test(the_descendant_stands_where_theano_computed),
        cmocka_unit_test(every_number_is_a_defect),
        cmocka_unit_test(defects_are_numbered_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
