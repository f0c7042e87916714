/* guest.c: assay-guest: a plugin through some checks within one process, for tools that have to sit in the process that
 * computes: compute-sanitizer, debuggers, profilers. Nothing is isolated here and no verdict of it counts.
 * SPDX-License-Identifier: MIT
 * Usage: assay-guest PLUGIN [GLOB]   quick cases whose id the glob matches, or all; exit status as assay check's. */
#include "conformance/checks/checks.h"
#include "conformance/session.h"
#include "conformance/worker/worker.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UNABLE = 3, SKIPPED = 77, SEED = 0x5eed };

static const double patience = 3600; /* seconds for one request: under a sanitizer a kernel takes its time */

typedef struct hosted {
    const assay_impl *impl;
    int socket;
} hosted;

static void *serve(void *argument)
{
    const hosted *h = argument;
    const assay_worker_options options = {.struct_size = sizeof options, .guest = 1};
    assay_worker_serve(h->socket, h->impl, &options);
    close(h->socket);
    return NULL;
}

static const assay_impl *load(const char *path)
{
    typedef const assay_impl *entry_point(void);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *symbol = library ? dlsym(library, "assay_impl_entry") : NULL;
    entry_point *entry;
    if (!symbol) return NULL;
    memcpy(&entry, &symbol, sizeof entry);
    return entry();
}

typedef struct tally {
    int passed, failed, unsupported;
} tally;

static void run_check(assay_session *session, assay_subject *subject, const assay_arithmetic *declared,
                      const assay_check *k, assay_finding *findings, tally *sum)
{
    assay_trial *t = calloc(1, sizeof *t);
    if (!t) return;
    t->subject = subject;
    t->session = session;
    t->check = k;
    t->declared = *declared;
    t->findings = findings;
    k->run(t);
    assay_trial_release(t);
    if (t->verdict == ASSAY_VERDICT_PASS)
        sum->passed++;
    else
        sum->failed++;
    if (t->verdict != ASSAY_VERDICT_PASS)
        printf("%s %s %s: %s\n", assay_verdict_name(t->verdict), subject->c->id, k->name, t->why);
    free(t);
}

static int wanted(const assay_check *k, const assay_case *c)
{
    static const char *const names[] = {"forward", "backward", "update"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (!strcmp(k->name, names[n])) return !k->applies || k->applies(c);
    return 0;
}

static void run_case(assay_session *session, const assay_case *c, assay_finding *findings, tally *sum)
{
    assay_subject subject;
    assay_arithmetic declared;
    char why[192] = "";
    if (assay_subject_make(c, ASSAY_FP32, SEED, NULL, NULL, &subject) != ASSAY_OK) return;
    assay_reply r = assay_session_supports(session, &subject.p, &declared, why, sizeof why);
    const int ready = r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK;
    sum->unsupported += r.status == ASSAY_UNSUPPORTED;
    for (int k = 0; ready && k < assay_check_count(); k++)
        if (wanted(assay_check_get(k), c)) run_check(session, &subject, &declared, assay_check_get(k), findings, sum);
    assay_subject_free(&subject);
}

int main(int argc, char **argv)
{
    const assay_session_options options = {.threads = 1, .time_limit = patience};
    const char *glob = argc == 3 ? argv[2] : "*";
    assay_session *session = NULL;
    assay_finding *findings = calloc(ASSAY_MAX_FINDINGS, sizeof *findings);
    tally sum = {0, 0, 0};
    pthread_t thread;
    int pair[2];
    hosted h = {.impl = argc == 2 || argc == 3 ? load(argv[1]) : NULL};
    if (!h.impl) {
        fprintf(stderr, "usage: assay-guest PLUGIN [GLOB]: expected a shared object with assay_impl_entry\n");
        return 2;
    }
    if (!findings || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return UNABLE;
    h.socket = pair[1];
    if (pthread_create(&thread, NULL, serve, &h) != 0) return UNABLE;
    assay_reply r = assay_session_adopt(pair[0], argv[1], &options, &session);
    if (!session) {
        fprintf(stderr, "%s\n", r.what);
        return r.status == ASSAY_NO_DEVICE ? SKIPPED : 1;
    }
    for (int k = 0; k < assay_case_count() && assay_session_alive(session); k++) {
        assay_case c;
        assay_case_get(k, &c);
        if (c.flags & ASSAY_CASE_QUICK && fnmatch(glob, c.id, 0) == 0) run_case(session, &c, findings, &sum);
    }
    const int alive = assay_session_alive(session);
    assay_session_end(session);
    if (alive) pthread_join(thread, NULL);
    free(findings);
    printf("%d passed, %d failed, %d cases unsupported\n", sum.passed, sum.failed, sum.unsupported);
    return sum.failed || !sum.passed;
}
