/* test_beside.c: a second plan in a session: each has its own tensors and blocks, and either may be spoken of.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/tests/rig.h"

#include <stdlib.h>
#include <string.h>

static int honest(void **state)
{
    rig *r = calloc(1, sizeof *r);
    *state = r;
    if (!r) return -1;
    const assay_reply reply = rig_start(r, ROGUE_HONEST, ASSAY_PLACE_END, 60);
    return reply.outcome != ASSAY_ANSWERED || reply.status != ASSAY_OK;
}

static int ended(void **state)
{
    rig_free(*state);
    free(*state);
    return 0;
}

static assay_status beside(rig *r, int rogue)
{
    assay_problem p = rig_problem(rogue);
    p.h = 4;
    return assay_session_beside(r->session, &p, ASSAY_PLACE_START).status;
}

static float first_of(const assay_memory *m)
{
    float value;
    memcpy(&value, assay_memory_data(m), sizeof value);
    return value;
}

static void each_plan_has_its_own_tensors(void **state)
{
    rig *r = *state;
    assay_memory hn;
    assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_OK);
    assert_int_equal(assay_session_turn(r->session).status, ASSAY_OK);
    assert_int_equal(assay_memory_make(2 * 4 * sizeof(float), ASSAY_PLACE_END, 0, &hn), ASSAY_OK);
    assert_int_equal(rig_bind(r, ASSAY_HN, &r->hn).status, ASSAY_BAD_ARGUMENT); /* of the first one's size */
    assert_int_equal(rig_bind(r, ASSAY_HN, &hn).status, ASSAY_OK);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
    assert_true(first_of(&hn) == 1);
    assert_int_equal(((unsigned char *)assay_memory_data(&r->hn))[0], 0xFF);
    assert_int_equal(assay_session_turn(r->session).status, ASSAY_OK);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
    assert_true(first_of(&r->hn) == 1);
    assay_memory_free(&hn);
}

static void when_the_second_goes_the_first_is_spoken_of(void **state)
{
    rig *r = *state;
    for (int turned = 0; turned < 2; turned++) {
        assay_memory_poison(&r->hn);
        assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_OK);
        if (turned) assert_int_equal(assay_session_turn(r->session).status, ASSAY_OK);
        assert_int_equal(assay_session_part(r->session).status, ASSAY_OK);
        assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
        assert_true(first_of(&r->hn) == 1);
    }
}

static void there_are_two_at_the_most(void **state)
{
    rig *r = *state;
    assert_int_equal(assay_session_turn(r->session).status, ASSAY_BAD_ARGUMENT);
    assert_int_equal(assay_session_part(r->session).status, ASSAY_BAD_ARGUMENT);
    assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_OK);
    assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_BAD_ARGUMENT);
}

static void one_that_is_not_made_leaves_the_first(void **state)
{
    rig *r = *state;
    assert_int_equal(beside(r, ROGUE_UNSUPPORTED), ASSAY_UNSUPPORTED);
    assert_int_equal(beside(r, ROGUE_NO_PLAN), ASSAY_FAILED);
    assert_int_equal(beside(r, ROGUE_HUGE), ASSAY_NO_MEMORY);
    assert_int_equal(assay_session_turn(r->session).status, ASSAY_BAD_ARGUMENT);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
    assert_true(first_of(&r->hn) == 1);
}

static void a_new_plan_drops_both(void **state)
{
    rig *r = *state;
    const assay_problem p = rig_problem(ROGUE_HONEST);
    assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_OK);
    assert_int_equal(assay_session_turn(r->session).status, ASSAY_OK);
    assert_int_equal(assay_session_plan(r->session, &p, ASSAY_PLACE_START, NULL).status, ASSAY_OK);
    assert_int_equal(assay_session_turn(r->session).status, ASSAY_BAD_ARGUMENT);
    assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_OK);
    assert_int_equal(assay_session_unplan(r->session).status, ASSAY_OK);
    assert_int_equal(beside(r, ROGUE_HONEST), ASSAY_BAD_ARGUMENT);
}

#define HONEST(test) cmocka_unit_test_setup_teardown(test, honest, ended)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HONEST(each_plan_has_its_own_tensors), HONEST(when_the_second_goes_the_first_is_spoken_of),
        HONEST(there_are_two_at_the_most),     HONEST(one_that_is_not_made_leaves_the_first),
        HONEST(a_new_plan_drops_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
