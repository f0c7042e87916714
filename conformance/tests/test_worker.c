/* test_worker.c: the worker's loop as a library, in a thread of this program.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/tests/rig.h"
#include "conformance/worker/protocol.h"
#include "conformance/worker/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const double patient = 60;

/* A worker that serves rogue.c, which is linked into this program, from a thread. */
typedef struct guest {
    pthread_t thread;
    int socket; /* the parent's end */
    int served; /* the worker's end, and what serve() returned in the end */
    int result;
    int started; /* the thread is there to be joined */
} guest;

static int64_t counted_allocations(void)
{
    return 7;
}

static void *serve(void *argument)
{
    static const assay_worker_options options = {
        .struct_size = sizeof options, .guest = 1, .allocations = counted_allocations};
    guest *g = argument;
    assay_worker_begin(g->served, &options);
    g->result = assay_worker_serve(g->served, assay_impl_entry(), &options);
    close(g->served);
    return NULL;
}

static int invite(void **state)
{
    guest *g = calloc(1, sizeof *g);
    int pair[2];
    *state = g;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return -1;
    g->socket = pair[0];
    g->served = pair[1];
    g->started = 1;
    return pthread_create(&g->thread, NULL, serve, g);
}

/* Ends the thread, whatever state it is in; closing the parent's end is enough. */
static int join(guest *g)
{
    if (g->socket >= 0) close(g->socket);
    g->socket = -1;
    if (g->started) pthread_join(g->thread, NULL);
    g->started = 0;
    return g->result;
}

static int dismiss(void **state)
{
    join(*state);
    free(*state);
    return 0;
}

static rig adopt(guest *g)
{
    rig r;
    assay_session_options o = rig_options(patient);
    memset(&r, 0, sizeof r);
    assay_reply reply = assay_session_adopt(g->socket, "guest", &o, &r.session);
    g->socket = -1; /* the session's now */
    assert_string_equal(reply.what, "");
    assert_non_null(r.session);
    return r;
}

static void a_thread_serves_a_session(void **state)
{
    guest *g = *state;
    rig r = adopt(g);
    assay_timing t;
    assert_string_equal(rig_plan(&r, ROGUE_HONEST, ASSAY_PLACE_END).what, "");
    ((float *)assay_memory_data(&r.x))[0] = 5.0f;
    assert_int_equal(rig_run(&r, &t).status, ASSAY_OK);
    assert_true(((float *)assay_memory_data(&r.y))[0] == 5.0f);
    assert_int_equal(t.allocations, 0);
    assert_int_equal(t.threads, -1); /* not a process of its own: unknown */
    assert_int_equal(assay_session_about(r.session)->sandbox, 0);
    assert_int_equal(strlen(assay_session_libraries(r.session)), 64); /* from the list that the worker reports */
    rig_free(&r);
    assert_int_equal(join(g), 0);
}

static void a_thread_packs_poisons_and_unpacks(void **state)
{
    rig r = adopt(*state);
    const assay_call program[] = {{.kind = ASSAY_CALL_POISON, .what = 15},
                                  {.kind = ASSAY_CALL_UNBIND_ALL},
                                  {.kind = ASSAY_CALL_UNPACK},
                                  {.kind = ASSAY_CALL_PACK}};
    int failed = -1;
    assert_string_equal(rig_plan(&r, ROGUE_HONEST, ASSAY_PLACE_START).what, "");
    assay_reply reply = assay_session_run(r.session, program, 4, 1, 0, &failed, NULL);
    assert_string_equal(reply.what, "pack returned ASSAY_BAD_ARGUMENT");
    assert_int_equal(failed, 3);
    rig_free(&r);
}

static void a_thread_finds_broken_blocks(void **state)
{
    rig r = adopt(*state);
    assert_string_equal(rig_plan(&r, ROGUE_PAST_WORKSPACE, ASSAY_PLACE_START).what, "");
    assert_string_equal(rig_run(&r, NULL).what, "workspace: wrote past its end: offset 100 of 100 bytes");
    assert_string_equal(rig_plan(&r, ROGUE_BEFORE_RESERVE, ASSAY_PLACE_END).what, "");
    assert_string_equal(rig_run(&r, NULL).what, "reserve: wrote before its start: offset -1");
    rig_free(&r);
}

static void a_thread_judges_what_it_is_given(void **state)
{
    rig r = adopt(*state);
    assay_problem p = rig_problem(ROGUE_UNSUPPORTED);
    assay_arithmetic declared;
    char why[32];
    assert_int_equal(assay_session_supports(r.session, &p, &declared, why, sizeof why).status, ASSAY_UNSUPPORTED);
    assert_string_equal(rig_plan(&r, ROGUE_NO_PLAN, ASSAY_PLACE_END).what, "plan returned ASSAY_OK and no plan");
    assert_string_equal(rig_plan(&r, ROGUE_HUGE, ASSAY_PLACE_END).what,
                        "no memory for a workspace of 1152921504606846976 bytes");
    assert_string_equal(rig_run(&r, NULL).what, "no plan to run");
    rig_free(&r);
}

static void a_lost_parent_ends_the_loop(void **state)
{
    guest *g = *state;
    assert_int_equal(join(g), 0);
}

/* One request, written by hand; the answer's line, or "" if there is none. */
static const char *say(guest *g, assay_request *q, int kind, assay_answer *a)
{
    q->head.magic = q->head.magic ? q->head.magic : ASSAY_WIRE_MAGIC;
    q->head.version = ASSAY_WIRE_VERSION;
    q->head.kind = (uint16_t)kind;
    memset(a, 0, sizeof *a);
    send(g->socket, q, sizeof *q, MSG_NOSIGNAL);
    recv(g->socket, a, sizeof *a, 0);
    return a->what;
}

static void another_protocol_ends_the_loop(void **state)
{
    guest *g = *state;
    assay_request q = {.head.magic = 1};
    assay_answer a;
    say(g, &q, ASSAY_WIRE_OPEN, &a);
    assert_int_equal(join(g), -1);
}

static void a_short_message_ends_the_loop(void **state)
{
    guest *g = *state;
    send(g->socket, "x", 1, 0);
    assert_int_equal(join(g), -1);
}

static void requests_out_of_order_are_refused(void **state)
{
    guest *g = *state;
    assay_request q = {.open = {.threads = 1}};
    assay_answer a;
    assert_string_equal(say(g, &q, ASSAY_WIRE_PLAN, &a), "request 3: unknown, or before the plugin was opened");
    assert_string_equal(say(g, &q, 99, &a), "request 99: unknown, or before the plugin was opened");
    assert_string_equal(say(g, &q, ASSAY_WIRE_OPEN, &a), "");
    assert_string_equal(say(g, &q, ASSAY_WIRE_OPEN, &a), "is open already");
    assert_string_equal(say(g, &q, ASSAY_WIRE_BIND, &a), "no plan to bind to");
}

static void impossible_bindings_are_refused(void **state)
{
    guest *g = *state;
    assay_request q = {.open = {.threads = 1}, .problem = rig_problem(ROGUE_HONEST)};
    assay_answer a;
    say(g, &q, ASSAY_WIRE_OPEN, &a);
    say(g, &q, ASSAY_WIRE_PLAN, &a);
    q.bind.count = 1;
    q.bind.list[0].id = -1;
    assert_string_equal(say(g, &q, ASSAY_WIRE_BIND, &a), "no such tensor");
    q.bind.list[0] = (assay_wire_binding){.name = "x", .id = ASSAY_X, .present = 1};
    assert_string_equal(say(g, &q, ASSAY_WIRE_BIND, &a), "x: could not be mapped"); /* no descriptor came with it */
    assert_int_equal(a.status, ASSAY_BAD_ARGUMENT);
    q.bind.count = ASSAY_WIRE_BINDS + 1;
    assert_string_equal(say(g, &q, ASSAY_WIRE_BIND, &a), "17 tensors to bind");
}

static void what_is_no_plugin_is_refused(void **state)
{
    (void)state;
    int pair[2];
    assay_request q = {.head = {ASSAY_WIRE_MAGIC, ASSAY_WIRE_VERSION, ASSAY_WIRE_OPEN, 1}};
    assay_answer a;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    send(pair[0], &q, sizeof q, 0);
    assert_int_equal(assay_worker_refuse(pair[1], ASSAY_BAD_ARGUMENT, "because"), 0);
    assert_int_equal(recv(pair[0], &a, sizeof a, 0), sizeof a);
    assert_string_equal(a.what, "because");
    close(pair[0]);
    assert_int_equal(assay_worker_refuse(pair[1], ASSAY_BAD_ARGUMENT, "because"), -1);
    close(pair[1]);
}

#define GUEST(test) cmocka_unit_test_setup_teardown(test, invite, dismiss)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUEST(a_thread_serves_a_session),       GUEST(a_thread_packs_poisons_and_unpacks),
        GUEST(a_thread_finds_broken_blocks),    GUEST(a_thread_judges_what_it_is_given),
        GUEST(a_lost_parent_ends_the_loop),     GUEST(another_protocol_ends_the_loop),
        GUEST(a_short_message_ends_the_loop),   GUEST(requests_out_of_order_are_refused),
        GUEST(impossible_bindings_are_refused), cmocka_unit_test(what_is_no_plugin_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
