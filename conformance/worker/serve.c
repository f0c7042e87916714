/* serve.c: the worker's loop: checks the plugin's table, opens it, closes the sandbox, answers until the parent ends.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/sandbox.h"
#include "conformance/worker/server.h"
#include "impl/common/untimed.h"

#include <errno.h>
#include <link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What came with a request; gone when it is answered. */
typedef struct files {
    int fd[ASSAY_WIRE_BINDS], count;
} files;

static void close_files(const files *f)
{
    for (int k = 0; k < f->count; k++)
        close(f->fd[k]);
}

/* The first request's memory file gets the list of what is loaded, one path a line. */
static int write_library(struct dl_phdr_info *info, size_t size, void *fd)
{
    (void)size;
    if (info->dlpi_name[0] == '/') dprintf(*(int *)fd, "%s\n", info->dlpi_name);
    return 0;
}

/* NULL, or why the table is none of this version. On another version nothing behind the version is read. */
static const char *table_defect(const assay_impl *impl, char *text, size_t size)
{
    if (!impl) return "assay_impl_entry() returned NULL, not its table";
    if (impl->abi_version != ASSAY_ABI_VERSION) {
        snprintf(text, size, "ABI version %u, %u expected", impl->abi_version, ASSAY_ABI_VERSION);
        return text;
    }
    if (impl->struct_size < sizeof *impl) {
        snprintf(text, size, "its table has %u bytes, %zu expected", impl->struct_size, sizeof *impl);
        return text;
    }
    if (!impl->name || !impl->name[0] || impl->name[strspn(impl->name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return "its name is not of the form [a-z0-9-]+";
    if (strlen(impl->name) >= sizeof((assay_answer *)0)->open.name) return "its name is longer than 47 letters";
    if (!impl->version) return "its table has no version";
    if (!impl->open || !impl->close || !impl->supports || !impl->plan || !impl->plan_free || !impl->run)
        return "its table lacks one of open, close, supports, plan, plan_free, run";
    return NULL;
}

static void describe(const assay_server *s, assay_answer *a)
{
    const assay_impl *impl = s->impl;
    const assay_made_of *made = impl->extension ? impl->extension(ASSAY_EXT_MADE_OF) : NULL;
    const assay_waives *waives = impl->extension ? impl->extension(ASSAY_EXT_WAIVES) : NULL;
    const char *full_rows = impl->extension ? impl->extension(ASSAY_EXT_FULL_ROWS) : NULL;
    const char *infer_only = impl->extension ? impl->extension(ASSAY_EXT_INFER_ONLY) : NULL;
    snprintf(a->open.name, sizeof a->open.name, "%s", impl->name);
    snprintf(a->open.version, sizeof a->open.version, "%s", impl->version);
    snprintf(a->open.loss_by, sizeof a->open.loss_by, "%s", made && made->loss_by ? made->loss_by : "own");
    snprintf(a->open.update_by, sizeof a->open.update_by, "%s", made && made->update_by ? made->update_by : "own");
    snprintf(a->open.full_rows, sizeof a->open.full_rows, "%s", full_rows ? full_rows : "");
    snprintf(a->open.infer_only, sizeof a->open.infer_only, "%s", infer_only ? infer_only : "");
    snprintf(a->open.device, sizeof a->open.device, "%s", s->device ? assay_device_about(s->device) : "");
    const char *untimed = impl->extension ? impl->extension(ASSAY_EXT_UNTIMED) : NULL;
    snprintf(a->open.untimed, sizeof a->open.untimed, "%s", untimed ? untimed : "");
    a->open.place = impl->place;
    a->open.sandbox = s->sandbox;
    a->open.allocates = waives && waives->allocations;
}

static void serve_open(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    assay_open_args args = {.struct_size = sizeof args, .device = q->open.device, .threads = q->open.threads};
    const char *defect = s->opened ? "is open already" : table_defect(s->impl, a->what, sizeof a->what);
    a->status = ASSAY_BAD_ARGUMENT;
    if (defect) {
        if (defect != a->what) snprintf(a->what, sizeof a->what, "%s", defect);
        return;
    }
    s->scene.doing = "the opening of the device";
    a->status = assay_server_open_place(s, q->open.device, a->what);
    if (a->status != ASSAY_OK) return;
    s->scene.doing = "open";
    a->status = assay_server_status(s, (int)s->impl->open(&args, &s->ctx), "open", a->what);
    if (a->status != ASSAY_OK) return;
    s->opened = 1;
    int list = f->count > 0 ? f->fd[0] : -1;
    if (list >= 0) dl_iterate_phdr(write_library, &list);
    if (!s->options->guest) {
        assay_fault_watch(&s->scene);       /* again: libraries put handlers of their own in place while they load */
        const int most = s->device ? 1 : 2; /* drivers open files, devices and sockets at any time */
        s->sandbox = assay_sandbox_close(s->options->sandbox < most ? s->options->sandbox : most);
    }
    describe(s, a);
}

static void serve_supports(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)f;
    const char *why = NULL;
    s->scene.doing = "supports";
    a->status =
        assay_server_status(s, (int)s->impl->supports(s->ctx, &q->problem, &a->declared, &why), "supports", a->what);
    if (a->status == ASSAY_UNSUPPORTED) snprintf(a->what, sizeof a->what, "%s", why ? why : "");
}

static void drop_one(assay_server *s)
{
    assay_server_unbind(s);
    s->scene.doing = "plan_free";
    if (s->plan) s->impl->plan_free(s->plan);
    s->plan = NULL;
    for (int b = 0; b < ASSAY_BLOCKS; b++)
        assay_server_release(s, ASSAY_BLOCK_0 + b);
    memset(&s->args, 0, sizeof s->args);
    s->args.struct_size = sizeof s->args;
}

/* The plan that is spoken of and the one aside change places. */
static void turn(assay_server *s)
{
    assay_plan *const plan = s->plan;
    const assay_args args = s->args;
    s->plan = s->aside.plan;
    s->args = s->aside.args;
    s->aside.plan = plan;
    s->aside.args = args;
    for (int k = 0; k < ASSAY_REGIONS; k++) {
        const assay_region region = s->regions[k];
        s->regions[k] = s->aside.regions[k];
        s->aside.regions[k] = region;
    }
    s->turned = !s->turned;
}

static void drop_plans(assay_server *s)
{
    drop_one(s);
    if (s->aside.plan) {
        turn(s);
        drop_one(s);
    }
    s->turned = 0;
}

static assay_status make_blocks(assay_server *s, const assay_sizes *sizes, assay_placement placement, char *what)
{
    const struct {
        const char *name;
        uint64_t bytes;
        void **pointer;
    } blocks[ASSAY_BLOCKS] = {{"packed", sizes->packed, &s->args.packed},
                              {"grads", sizes->grads, &s->args.grads},
                              {"workspace", sizes->workspace, &s->args.workspace},
                              {"reserve", sizes->reserve, &s->args.reserve}};
    for (int b = 0; b < ASSAY_BLOCKS; b++) {
        assay_status st = assay_server_block(s, b, blocks[b].name, blocks[b].bytes, placement, what);
        if (st != ASSAY_OK) return st;
        *blocks[b].pointer = assay_server_data(s, ASSAY_BLOCK_0 + b);
    }
    return ASSAY_OK;
}

static void make_plan(assay_server *s, const assay_request *q, assay_answer *a)
{
    a->status = assay_server_status(s, (int)s->impl->plan(s->ctx, &q->problem, &s->plan, &a->sizes), "plan", a->what);
    if (a->status == ASSAY_OK && !s->plan) {
        a->status = ASSAY_FAILED;
        snprintf(a->what, sizeof a->what, "plan returned ASSAY_OK and no plan");
    }
    const assay_explains *explains = a->status == ASSAY_OK ? assay_server_explains(s) : NULL;
    const char *notes = explains && explains->notes ? explains->notes(s->plan) : NULL;
    snprintf(a->notes, sizeof a->notes, "%s", notes ? notes : "");
    if (a->status == ASSAY_OK) a->status = make_blocks(s, &a->sizes, (assay_placement)q->placement, a->what);
}

static void serve_plan(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)f;
    drop_plans(s);
    s->scene.doing = "plan";
    make_plan(s, q, a);
    if (a->status != ASSAY_OK && !s->lost) drop_one(s);
}

static void serve_beside(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)f;
    if (!s->plan || s->aside.plan) {
        a->status = ASSAY_BAD_ARGUMENT;
        snprintf(a->what, sizeof a->what, s->plan ? "a second plan is there already" : "no plan to be beside");
        return;
    }
    serve_supports(s, q, f, a);
    if (a->status != ASSAY_OK) return;
    turn(s);
    s->args.struct_size = sizeof s->args;
    s->scene.doing = "a second plan";
    make_plan(s, q, a);
    if (a->status != ASSAY_OK && !s->lost) drop_one(s);
    turn(s);
}

static int are_two(const assay_server *s, assay_answer *a)
{
    if (s->aside.plan) return 1;
    a->status = ASSAY_BAD_ARGUMENT;
    snprintf(a->what, sizeof a->what, "no second plan");
    return 0;
}

static void serve_turn(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)q, (void)f;
    if (are_two(s, a)) turn(s);
}

/* Here, and not wherever a plan goes: what a plugin does of NULL is a matter of the check that asks for this. */
static void serve_part(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)q, (void)f;
    if (!are_two(s, a)) return;
    if (!s->turned) turn(s);
    drop_one(s);
    turn(s);
    s->scene.doing = "plan_free of NULL";
    s->impl->plan_free(NULL);
    s->scene.doing = "close of NULL";
    s->impl->close(NULL);
}

static void serve_unplan(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)q, (void)f, (void)a;
    drop_plans(s);
}

static void serve_bind(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    int used = 0;
    if (!s->plan || q->bind.count < 0 || q->bind.count > ASSAY_WIRE_BINDS) {
        a->status = ASSAY_BAD_ARGUMENT;
        snprintf(a->what, sizeof a->what, s->plan ? "%d tensors to bind" : "no plan to bind to", q->bind.count);
        return;
    }
    s->scene.doing = "bind";
    for (int k = 0; k < q->bind.count && a->status == ASSAY_OK; k++) {
        const assay_wire_binding *b = &q->bind.list[k];
        if (b->id < 0 || b->id >= ASSAY_TENSORS) {
            a->status = ASSAY_BAD_ARGUMENT;
            snprintf(a->what, sizeof a->what, "no such tensor");
            return;
        }
        assay_server_release(s, b->id);
        if (b->present) a->status = assay_server_map(s, used < f->count ? f->fd[used++] : -1, b, a->what);
        assay_server_point(s, b->id);
    }
}

static void serve_run(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)f;
    assay_server_run(s, q, a);
}

static void serve_give(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)q, (void)f;
    s->scene.doing = "the copy to the device";
    assay_server_give(s, a);
}

static void serve_take(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)q, (void)f;
    s->scene.doing = "the copy from the device";
    assay_server_take(s, a);
}

/* What was on a lost device is gone; asking the plugin or the driver to free it could only hang. */
static void shut(assay_server *s)
{
    if (s->lost) return;
    drop_plans(s);
    if (s->opened) {
        s->scene.doing = "close";
        s->impl->close(s->ctx);
    }
    assay_device_close(s->device);
    s->ctx = NULL;
    s->device = NULL;
    s->opened = 0;
}

static void serve_end(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    (void)q, (void)f, (void)a;
    shut(s);
}

/* 1: a request, and in *f the descriptors that came with it. 0: the parent has gone. -1: not the protocol. Looks so
 * often before it sleeps. */
static int receive(int socket, assay_request *q, files *f, int looks)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof f->fd)];
    } control;
    struct iovec part = {.iov_base = q, .iov_len = sizeof *q};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    f->count = 0;
    for (;; looks--) {
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (looks > 0 ? MSG_DONTWAIT : 0));
        if (got >= 0 || (errno != EINTR && (errno != EAGAIN || looks <= 0))) break;
        if (looks > 0) sched_yield();
    }
    if (got <= 0) return 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        f->count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof *f->fd);
        memcpy(f->fd, CMSG_DATA(c), (size_t)f->count * sizeof *f->fd);
    }
    return got == (ssize_t)sizeof *q && q->head.magic == ASSAY_WIRE_MAGIC && q->head.version == ASSAY_WIRE_VERSION ? 1
                                                                                                                   : -1;
}

static int answer(int socket, const assay_answer *a)
{
    ssize_t sent;
    do
        sent = send(socket, a, sizeof *a, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *a;
}

static void dispatch(assay_server *s, const assay_request *q, const files *f, assay_answer *a)
{
    static void (*const handlers[])(assay_server *, const assay_request *, const files *, assay_answer *) = {
        [ASSAY_WIRE_OPEN] = serve_open,     [ASSAY_WIRE_SUPPORTS] = serve_supports, [ASSAY_WIRE_PLAN] = serve_plan,
        [ASSAY_WIRE_BESIDE] = serve_beside, [ASSAY_WIRE_TURN] = serve_turn,         [ASSAY_WIRE_PART] = serve_part,
        [ASSAY_WIRE_UNPLAN] = serve_unplan, [ASSAY_WIRE_BIND] = serve_bind,         [ASSAY_WIRE_RUN] = serve_run,
        [ASSAY_WIRE_GIVE] = serve_give,     [ASSAY_WIRE_TAKE] = serve_take,         [ASSAY_WIRE_END] = serve_end,
    };
    memset(a, 0, sizeof *a);
    a->head = q->head;
    s->scene.sequence = q->head.sequence;
    if (q->head.kind < ASSAY_WIRE_OPEN || q->head.kind > ASSAY_WIRE_END ||
        (!s->opened && q->head.kind != ASSAY_WIRE_OPEN && q->head.kind != ASSAY_WIRE_END)) {
        a->status = ASSAY_BAD_ARGUMENT;
        snprintf(a->what, sizeof a->what, "request %d: unknown, or before the plugin was opened", q->head.kind);
        return;
    }
    handlers[q->head.kind](s, q, f, a);
    if (s->lost) {
        char what[ASSAY_WIRE_WHAT];
        memcpy(what, a->what, sizeof what);
        a->head.kind = ASSAY_WIRE_FAULT;
        snprintf(a->what, sizeof a->what, "the device failed in %.40s: %.120s", s->lost, what);
    }
    fflush(stdout); /* what the plugin printed goes with the request during which it printed */
    s->scene.doing = "nothing (between two requests)";
}

int assay_worker_serve(int socket, const assay_impl *impl, const assay_worker_options *options)
{
    static const assay_worker_options none = {.struct_size = sizeof none};
    assay_server *s = calloc(1, sizeof *s);
    if (!s) return -1;
    s->impl = impl;
    s->options = options ? options : &none;
    s->scene = (assay_scene){.socket = socket, .doing = "load", .regions = s->regions, .count = ASSAY_REGIONS};
    s->args.struct_size = sizeof s->args;
    if (!s->options->guest) assay_fault_watch(&s->scene);
    assay_request q;
    assay_answer a;
    files f;
    int got, going = 1;
    q.still = 0;
    while (going && (got = receive(socket, &q, &f, q.still ? 0 : ASSAY_WIRE_LOOKS)) > 0) {
        dispatch(s, &q, &f, &a);
        close_files(&f);
        going = answer(socket, &a) && q.head.kind != ASSAY_WIRE_END && !s->lost;
    }
    shut(s);
    const int lost = s->lost != NULL;
    if (s->options->guest) free(s); /* else the handlers watch it until the process ends */
    return got < 0 ? -1 : lost;
}

int assay_worker_refuse(int socket, assay_status status, const char *why)
{
    assay_request q;
    assay_answer a;
    files f;
    if (receive(socket, &q, &f, 0) <= 0) return -1;
    close_files(&f);
    memset(&a, 0, sizeof a);
    a.head = q.head;
    a.status = (int32_t)status;
    snprintf(a.what, sizeof a.what, "%s", why);
    return answer(socket, &a) ? 0 : -1;
}

void assay_worker_begin(int socket, const assay_worker_options *options)
{
    static assay_scene scene = {.doing = "load"}; /* watched until serve() puts its own in its place */
    if (options->guest) return;
    scene.socket = socket;
    assay_fault_watch(&scene);
    if (options->sandbox > 0) assay_sandbox_close(1);
}
