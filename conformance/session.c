/* session.c: requests to one worker, each with a time limit, and what it means when the answer doesn't come.
 * SPDX-License-Identifier: MIT */
#include "conformance/session.h"

#include "conformance/clock.h"
#include "conformance/file.h"
#include "conformance/hosted.h"
#include "conformance/session_state.h"
#include "conformance/worker/mapped.h"
#include "conformance/worker/waiting.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const double death_grace = 1;  /* s for a worker that said how it dies to be dead */
static const double close_grace = 20; /* s at most for close() at the end of a session */
static const double host_start = 180; /* s at least for an interpreter to load its framework, from a cold disk too, and
                                         for the framework to compile what a plan needs */

static const char *const request_names[] = {
    [ASSAY_WIRE_OPEN] = "load or open",
    [ASSAY_WIRE_SUPPORTS] = "supports",
    [ASSAY_WIRE_PLAN] = "plan",
    [ASSAY_WIRE_BESIDE] = "a second plan",
    [ASSAY_WIRE_TURN] = "the turn to the other plan",
    [ASSAY_WIRE_PART] = "plan_free of the second plan",
    [ASSAY_WIRE_UNPLAN] = "plan_free",
    [ASSAY_WIRE_BIND] = "bind",
    [ASSAY_WIRE_RUN] = "a run request",
    [ASSAY_WIRE_GIVE] = "the copy to the device",
    [ASSAY_WIRE_TAKE] = "the copy from the device",
    [ASSAY_WIRE_END] = "close",
};

static void __attribute__((format(printf, 2, 3))) say(assay_reply *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->what, sizeof r->what, format, arguments);
    va_end(arguments);
}

/* Text from the worker ends up in a terminal: one printable line. */
static void clean(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 127) *c = '?';
}

/* What it printed often tells why: "malloc(): corrupted top size". */
void assay_session_add_printed(const assay_session *s, assay_reply *r)
{
    size_t used = strlen(r->what);
    if (!s->process.printed) return;
    snprintf(r->what + used, sizeof r->what - used, "%sprinted %lld bytes: \"%s\"", used ? "; " : "",
             (long long)s->process.printed, s->process.text);
}

/* The end of a session that didn't end as it should. */
static assay_reply end_badly(assay_session *s, assay_outcome outcome, double grace, const char *what)
{
    assay_reply r = {.outcome = outcome, .status = ASSAY_FAILED};
    say(&r, "%s", what);
    int status = assay_process_finish(&s->process, grace);
    s->alive = 0;
    if (outcome == ASSAY_DIED && status >= 0 && WIFSIGNALED(status)) r.signal = WTERMSIG(status);
    assay_session_add_printed(s, &r);
    return r;
}

/* The socket closed without a word. */
static assay_reply autopsy(assay_session *s, const char *doing)
{
    assay_reply r = {.outcome = ASSAY_DIED, .status = ASSAY_FAILED};
    int child = s->process.pid > 0, status = assay_process_finish(&s->process, death_grace);
    s->alive = 0;
    if (status >= 0 && WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        r.signal = WTERMSIG(status);
        say(&r, "SIG%s in %s", name ? name : "?", doing);
    } else if (status >= 0) {
        say(&r, "exited with code %d in %s", WEXITSTATUS(status), doing);
    } else {
        r.outcome = ASSAY_MUTE;
        say(&r, "closed its connection in %s%s", doing, child ? " and went on" : "");
    }
    assay_session_add_printed(s, &r);
    return r;
}

static assay_reply fault(assay_session *s, assay_answer *a)
{
    clean(a->what, sizeof a->what);
    return end_badly(s, ASSAY_DIED, death_grace, a->what);
}

static int is_answer(const assay_answer *a, size_t got)
{
    return got == sizeof *a && a->head.magic == ASSAY_WIRE_MAGIC && a->head.version == ASSAY_WIRE_VERSION;
}

static assay_reply mute(assay_session *s, const char *doing)
{
    char what[96];
    snprintf(what, sizeof what, "answered something else than was asked in %s", doing);
    return end_badly(s, ASSAY_MUTE, 0, what);
}

static assay_reply gone(void)
{
    assay_reply r = {.outcome = ASSAY_MUTE, .status = ASSAY_FAILED};
    say(&r, "the worker has ended before: start another session");
    return r;
}

assay_reply assay_session_exchange(assay_session *s, assay_request *q, assay_wire_kind kind, const int *fds, int count,
                                   assay_answer *a, double *seconds)
{
    const char *doing = request_names[kind];
    size_t got = 0;
    if (!s->alive) return gone();
    /* Nobody asked: a fault between two requests, or a plugin that writes to the socket itself. */
    assay_heard heard = assay_process_hear(&s->process, a, sizeof *a, &got, 0, 0);
    if (heard == ASSAY_HEARD_MESSAGE && is_answer(a, got) && a->head.kind == ASSAY_WIRE_FAULT) return fault(s, a);
    if (heard == ASSAY_HEARD_MESSAGE) return mute(s, "the time between two requests");
    if (heard == ASSAY_HEARD_END) return autopsy(s, s->sequence ? "the time between two requests" : doing);

    q->head = (assay_wire_head){ASSAY_WIRE_MAGIC, ASSAY_WIRE_VERSION, (uint16_t)kind, ++s->sequence};
    q->still = s->still;
    double start = assay_clock();
    if (!assay_process_send(&s->process, q, sizeof *q, fds, count)) return autopsy(s, doing);
    if (s->still) assay_process_continue(&s->process);
    heard = assay_process_hear(&s->process, a, sizeof *a, &got, s->limit, !s->still);
    if (seconds) *seconds = assay_clock() - start;
    s->answered = assay_process_seconds(&s->process);
    if (heard == ASSAY_HEARD_END) return autopsy(s, doing);
    if (heard == ASSAY_HEARD_NOTHING) {
        char what[96];
        snprintf(what, sizeof what, "no answer to %s within %g s", doing, s->limit);
        return end_badly(s, ASSAY_TIMED_OUT, 0, what);
    }
    if (is_answer(a, got) && a->head.kind == ASSAY_WIRE_FAULT) return fault(s, a);
    if (!is_answer(a, got) || a->head.kind != kind || a->head.sequence != s->sequence || a->status < ASSAY_OK ||
        a->status > ASSAY_FAILED)
        return mute(s, doing);
    if (s->still && kind != ASSAY_WIRE_END && !assay_process_stop(&s->process))
        return end_badly(s, ASSAY_TIMED_OUT, 0, "did not stop when it was told to, after an answer");
    clean(a->what, sizeof a->what);
    assay_reply r = {.outcome = ASSAY_ANSWERED, .status = (assay_status)a->status};
    memcpy(r.what, a->what, sizeof r.what);
    return r;
}

assay_reply assay_session_ask(assay_session *s, assay_request *q, assay_wire_kind kind, const int *fds, int count,
                              assay_answer *a)
{
    assay_reply r = assay_session_exchange(s, q, kind, fds, count, a, NULL);
    if (r.outcome == ASSAY_ANSWERED) assay_process_drain(&s->process);
    return r;
}

static assay_reply ask(assay_session *s, assay_request *q, assay_wire_kind kind, assay_answer *a)
{
    return assay_session_ask(s, q, kind, NULL, 0, a);
}

void assay_parent_seal(void)
{
    const struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
}

static void discard(assay_session *s)
{
    if (!s) return;
    if (s->alive) assay_process_finish(&s->process, 0);
    free(s->plugin);
    free(s->libraries);
    free(s);
}

static void copy_info(assay_session_info *info, assay_answer *a)
{
    clean(a->open.name, sizeof a->open.name);
    clean(a->open.version, sizeof a->open.version);
    clean(a->open.loss_by, sizeof a->open.loss_by);
    clean(a->open.update_by, sizeof a->open.update_by);
    clean(a->open.full_rows, sizeof a->open.full_rows);
    clean(a->open.infer_only, sizeof a->open.infer_only);
    clean(a->open.device, sizeof a->open.device);
    memcpy(info->device, a->open.device, sizeof info->device);
    clean(a->open.untimed, sizeof a->open.untimed);
    memcpy(info->full_rows, a->open.full_rows, sizeof info->full_rows);
    memcpy(info->infer_only, a->open.infer_only, sizeof info->infer_only);
    memcpy(info->untimed, a->open.untimed, sizeof info->untimed);
    memcpy(info->name, a->open.name, sizeof info->name);
    memcpy(info->version, a->open.version, sizeof info->version);
    memcpy(info->loss_by, a->open.loss_by, sizeof info->loss_by);
    memcpy(info->update_by, a->open.update_by, sizeof info->update_by);
    info->place = a->open.place;
    info->sandbox = a->open.sandbox;
    info->allocates = a->open.allocates != 0;
}

/* The list that the worker wrote, for kernels that don't let a parent read its child's mappings. */
static char *reported_list(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = size > 0 ? calloc(1, (size_t)size + 1) : NULL;
    if (text && pread(fd, text, (size_t)size, 0) != size) text[0] = '\0';
    return text;
}

/* The first request: load, open, sandbox. The worker stands still behind it, so what is mapped can be listed. */
static assay_reply open_plugin(assay_session *s, const assay_session_options *o)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    q.open.threads = o->threads;
    q.open.device = o->device;
    int list = memfd_create("libraries", MFD_CLOEXEC);
    assay_reply r = assay_session_ask(s, &q, ASSAY_WIRE_OPEN, &list, list >= 0, &a);
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK) {
        copy_info(&s->info, &a);
        if (s->process.pid > 0) s->libraries = assay_mapped_list(s->process.pid);
        if (!s->libraries && list >= 0) s->libraries = reported_list(list);
    }
    if (list >= 0) close(list);
    return r;
}

static assay_reply name_plugin(const char *plugin, assay_reply r)
{
    assay_reply named = r;
    say(&named, "%s: %s", plugin, r.what);
    return named;
}

/* Opens what s->process leads to. Whatever goes wrong, nothing is left. */
static assay_reply take(assay_session *s, const assay_session_options *o, assay_session **out)
{
    s->alive = 1;
    s->limit = o->time_limit < host_start && assay_hosted_is(s->plugin) ? host_start : o->time_limit;
    assay_reply r = open_plugin(s, o);
    s->limit = o->time_limit;
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK) {
        *out = s;
        return r;
    }
    if (r.outcome == ASSAY_ANSWERED) assay_session_add_printed(s, &r);
    r = name_plugin(s->plugin, r);
    discard(s);
    return r;
}

/* assay-worker lies beside the program that asks for it. */
static void default_worker(char path[PATH_MAX])
{
    static const char name[] = "/assay-worker";
    assay_program_folder(path, PATH_MAX - sizeof name);
    strcat(path, name);
}

static assay_session *make(const char *plugin)
{
    assay_session *s = calloc(1, sizeof *s);
    if (s) s->plugin = strdup(plugin);
    if (s && s->plugin) return s;
    discard(s);
    return NULL;
}

/* What was hashed is what was loaded, if the file is still the same afterwards: any change of it changes its times, so
 * it is read again only then. */
static assay_reply confirm(const char *full, assay_reply r, assay_session **s)
{
    char hash[65], why[256];
    if (!*s) return r;
    if (assay_hash_file(full, hash, why, sizeof why) == ASSAY_OK && !strcmp(hash, (*s)->info.plugin_hash)) return r;
    r.status = ASSAY_FAILED;
    say(&r, "%s: was replaced while it was loaded", (*s)->plugin);
    discard(*s);
    *s = NULL;
    return r;
}

assay_reply assay_session_start(const char *plugin, const assay_session_options *o, assay_session **out)
{
    assay_reply r = {.outcome = ASSAY_ANSWERED, .status = ASSAY_NO_MEMORY};
    char beside[PATH_MAX], full[PATH_MAX], script[PATH_MAX], python[PATH_MAX];
    const char *worker = o->worker ? o->worker : beside;
    *out = NULL;
    say(&r, "%s: no memory", plugin);
    assay_session *s = make(plugin);
    if (!s) return r;
    /* Hashed before it is loaded, so that a file that changes meanwhile isn't certified as what it was not. */
    if (!realpath(plugin, full)) {
        r.status = ASSAY_BAD_ARGUMENT;
        say(&r, "%s: %s", plugin, strerror(errno));
    } else if (assay_hash_file(plugin, s->info.plugin_hash, r.what, sizeof r.what) != ASSAY_OK) {
        r.status = ASSAY_BAD_ARGUMENT;
    } else {
        if (!o->worker) default_worker(beside);
        int hosted = assay_hosted_is(full), error;
        if (hosted) assay_hosted_script(worker, script, sizeof script);
        if (hosted) assay_hosted_interpreter(full, python, sizeof python);
        const char *program = hosted ? python : worker;
        error = assay_process_start(program, hosted ? script : NULL, full, o->threads, &s->process);
        if (!error) return confirm(full, take(s, o, out), out);
        /* A suite without its worker is broken; a machine without an interpreter just can't run this. */
        r.outcome = hosted ? ASSAY_ANSWERED : ASSAY_UNSTARTED;
        r.status = hosted ? ASSAY_NO_DEVICE : ASSAY_FAILED;
        say(&r, "%s: could not be started: %s", program, strerror(error));
    }
    discard(s);
    return r;
}

assay_reply assay_session_adopt(int socket, const char *name, const assay_session_options *o, assay_session **out)
{
    assay_reply r = {.outcome = ASSAY_ANSWERED, .status = ASSAY_NO_MEMORY};
    *out = NULL;
    assay_session *s = make(name);
    if (!s) return r;
    s->process = (assay_process){.socket = socket, .ended = -1, .output = -1, .tasks = -1};
    return take(s, o, out);
}

void assay_session_end(assay_session *s)
{
    assay_request q;
    assay_answer a;
    if (!s) return;
    memset(&q, 0, sizeof q);
    if (s->alive) {
        double limit = s->limit < close_grace ? s->limit : close_grace;
        s->limit = limit;
        assay_reply r = assay_session_exchange(s, &q, ASSAY_WIRE_END, NULL, 0, &a, NULL);
        if (r.outcome == ASSAY_ANSWERED) assay_process_finish(&s->process, limit);
        s->alive = 0;
    }
    discard(s);
}

const assay_session_info *assay_session_about(const assay_session *s)
{
    return &s->info;
}

const char *assay_session_libraries(assay_session *s)
{
    if (!s->info.mapped_hash[0] && s->libraries) assay_mapped_hash(s->libraries, s->info.mapped_hash);
    return s->info.mapped_hash;
}

int assay_session_alive(const assay_session *s)
{
    return s && s->alive;
}

void assay_session_limit(assay_session *s, double seconds)
{
    s->limit = seconds;
}

int assay_session_still(assay_session *s, int on)
{
    const int was = s->still;
    s->still = on;
    if (!s->alive) return 1;
    if (on) return was || assay_process_stop(&s->process);
    if (was) assay_process_continue(&s->process);
    return 1;
}

double assay_session_processor(const assay_session *s)
{
    return s->alive ? assay_process_seconds(&s->process) : -1;
}

double assay_session_processor_at_answer(const assay_session *s)
{
    return s->alive ? s->answered : -1;
}

double assay_session_in_line(const assay_session *s)
{
    return s->alive ? assay_process_waited(&s->process) : -1;
}

assay_footprint assay_session_memory(const assay_session *s, int restart)
{
    return s->alive ? assay_process_memory(&s->process, restart) : (assay_footprint){-1, -1};
}

assay_reply assay_session_supports(assay_session *s, const assay_problem *p, assay_arithmetic *declared, char *why,
                                   size_t why_size)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    q.problem = *p;
    assay_reply r = ask(s, &q, ASSAY_WIRE_SUPPORTS, &a);
    if (why_size) why[0] = '\0';
    if (r.outcome != ASSAY_ANSWERED) return r;
    *declared = a.declared;
    if (r.status == ASSAY_UNSUPPORTED) {
        snprintf(why, why_size, "%s", r.what[0] ? r.what : ASSAY_NO_REASON);
        r.what[0] = '\0';
    }
    return r;
}

assay_reply assay_session_ask_to_plan(assay_session *s, assay_request *q, assay_wire_kind kind, assay_answer *a)
{
    const double limit = s->limit;
    if (limit < host_start && assay_hosted_is(s->plugin)) s->limit = host_start;
    assay_reply r = ask(s, q, kind, a);
    s->limit = limit;
    return r;
}

assay_reply assay_session_plan(assay_session *s, const assay_problem *p, assay_placement placement, assay_sizes *sizes)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    q.problem = *p;
    q.placement = (int32_t)placement;
    assay_reply r = assay_session_ask_to_plan(s, &q, ASSAY_WIRE_PLAN, &a);
    s->planned = r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK;
    s->turned = 0;
    if (s->planned) {
        clean(a.notes, sizeof a.notes);
        memcpy(s->info.notes, a.notes, sizeof s->info.notes);
    }
    s->problem = *p;
    s->tensor_count = assay_tensors_of(p, s->tensors);
    if (s->planned && sizes) *sizes = a.sizes;
    return r;
}

assay_reply assay_session_unplan(assay_session *s)
{
    assay_request q;
    assay_answer a;
    memset(&q, 0, sizeof q);
    s->planned = s->turned = 0;
    return ask(s, &q, ASSAY_WIRE_UNPLAN, &a);
}

assay_reply assay_session_refuse(const char *what)
{
    assay_reply r = {.outcome = ASSAY_ANSWERED, .status = ASSAY_BAD_ARGUMENT};
    say(&r, "%s", what);
    return r;
}
