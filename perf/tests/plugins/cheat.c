/* cheat.c: honest results for less time than they take, or honest times in a changed environment. CHEAT names which.
 * SPDX-License-Identifier: MIT
 *
 * Every honest call sleeps, so that a call that took less was not honest: what a test can see by the clock alone. */
#include "perf/tests/plugins/cheat.h"
#include "conformance/mutants/around.h"
#include "conformance/mutants/entry.h"
#include "conformance/worker/protocol.h"
#include "reference/tensors.h"

#include <elf.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_STEPS = 4, MOST_MEMORIES = 512, PARTS = 7, SLOWED = 4 };

typedef struct part {
    void *data;
    size_t bytes;
} part;

/* What one question was answered with. */
typedef struct memory {
    uint64_t question;
    void *answer[PARTS];
} memory;

typedef struct cheater {
    around base;
    int64_t steps; /* STEP calls so far */
    int last;      /* the pass before, -1 after pack or unpack */
    int misbehaved;
    int packs, skips; /* rounds so far; 1: nothing is done in this one */
    int ready;        /* all of the next step but the update has been done */
    void *lost;
    int pending;      /* BACKWARD and UPDATE are still to be done ... */
    assay_args args;  /* ... with these */
    pthread_t thread; /* does what it finds pending */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int threaded, leaving;
    memory *memories;
    int memory_count;
} cheater;

static int am(const char *name)
{
    return strcmp(CHEAT, name) == 0;
}

static void sleep_for(long nanoseconds)
{
    const struct timespec nap = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    nanosleep(&nap, NULL);
}

static void take_time(void)
{
    /* what another clock, processor or thread does in a short call is lost in a scheduler's turn */
    int is_long = am("slow-clock") || am("more-threads") || am("elsewhere") || am("answers-first");
    sleep_for((is_long ? 10 : 1) * (long)CHEAT_NAP_NANOSECONDS);
}

static assay_status work(cheater *c, assay_pass pass, const assay_args *args)
{
    take_time();
    return assay_honest_entry()->run(c->base.honest, pass, args, NULL);
}

/* ---- remembers what it was asked ---- */

static size_t bytes_of(const assay_problem *p, int slot)
{
    assay_tensor x;
    return assay_tensor_find(p, slot, &x) ? (size_t)x.count * 4 : 0;
}

static void parts_of(const cheater *c, const assay_args *a, part out[PARTS])
{
    const part all[PARTS] = {{a->y, bytes_of(&c->base.p, ASSAY_Y)},
                             {a->logits, bytes_of(&c->base.p, ASSAY_LOGITS)},
                             {a->loss_rows, bytes_of(&c->base.p, ASSAY_LOSS_ROWS)},
                             {a->loss, bytes_of(&c->base.p, ASSAY_LOSS)},
                             {a->packed, c->base.sizes.packed},
                             {a->grads, c->base.sizes.grads},
                             {a->reserve, c->base.sizes.reserve}};
    memcpy(out, all, sizeof all);
}

static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t k = 0; at && k < bytes; k++)
        hash = (hash ^ at[k]) * 0x100000001b3u;
    return hash;
}

static uint64_t question_of(const cheater *c, assay_pass pass, const assay_args *a)
{
    uint64_t hash = mix(0xcbf29ce484222325u, &pass, sizeof pass);
    if (pass == ASSAY_STEP || pass == ASSAY_UPDATE) hash = mix(hash, &a->step, sizeof a->step);
    if (pass == ASSAY_UPDATE) hash = mix(hash, a->grads, c->base.sizes.grads);
    hash = mix(hash, a->x, bytes_of(&c->base.p, ASSAY_X));
    return mix(hash, a->packed, c->base.sizes.packed);
}

static assay_status remember(cheater *c, assay_pass pass, const assay_args *a)
{
    part now[PARTS];
    uint64_t question = question_of(c, pass, a);
    parts_of(c, a, now);
    for (int m = 0; m < c->memory_count; m++) {
        if (c->memories[m].question != question) continue;
        for (int k = 0; k < PARTS; k++)
            if (now[k].data) memcpy(now[k].data, c->memories[m].answer[k], now[k].bytes);
        return ASSAY_OK; /* the cheat */
    }
    assay_status st = work(c, pass, a);
    if (st != ASSAY_OK || c->memory_count == MOST_MEMORIES) return st;
    memory *kept = &c->memories[c->memory_count++];
    kept->question = question;
    for (int k = 0; k < PARTS; k++)
        if (now[k].data) memcpy(kept->answer[k], now[k].data, now[k].bytes);
    return ASSAY_OK;
}

/* All at once: later calls may not allocate. */
static int make_room(cheater *c)
{
    const assay_args none = {.struct_size = sizeof none};
    part parts[PARTS];
    parts_of(c, &none, parts);
    c->memories = calloc(MOST_MEMORIES, sizeof *c->memories);
    for (int m = 0; c->memories && m < MOST_MEMORIES; m++)
        for (int k = 0; k < PARTS; k++)
            if (!(c->memories[m].answer[k] = malloc(parts[k].bytes + 1))) return 0;
    return c->memories != NULL;
}

static void forget(cheater *c)
{
    for (int m = 0; c->memories && m < MOST_MEMORIES; m++)
        for (int k = 0; k < PARTS; k++)
            free(c->memories[m].answer[k]);
    free(c->memories);
}

/* ---- changes its surroundings, where nobody looked before: under the clock ---- */

static int sleep_on(void *nothing)
{
    const struct timespec hour = {3600, 0};
    (void)nothing;
    return (int)syscall(SYS_nanosleep, &hour, NULL);
}

static int work_on(void *nothing)
{
    volatile uint64_t n = 1;
    (void)nothing;
    while (n)
        n = n + 1;
    return 0;
}

/* Without pthread_create, which allocates and would be found by that. */
static void start_thread(int (*does)(void *), char *stack, size_t bytes)
{
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    clone(does, stack + bytes, flags, NULL);
}

/* In the first call, when threads may be started: two that keep a processor each busy. */
static void start_helpers(void)
{
    static char stacks[2][65536] __attribute__((aligned(16)));
    for (int k = 0; k < 2; k++)
        start_thread(work_on, stacks[k], sizeof stacks[k]);
}

static void misbehave(cheater *c)
{
    static char stack[65536] __attribute__((aligned(16)));
#if defined(__x86_64__)
    if (am("sets-ftz")) __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#elif defined(__aarch64__)
    if (am("sets-ftz")) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)1 << 24));
#endif
    if (am("prints")) puts("hello");
    if (am("allocates")) c->lost = malloc(4096);
    if (am("starts-threads") && !c->misbehaved++) start_thread(sleep_on, stack, sizeof stack);
}

/* ---- replaces what the worker's own code calls ---- */

typedef struct patch {
    const char *name;
    void *by;
} patch;

static int slow_clock(clockid_t id, struct timespec *t)
{
    static struct timespec start;
    static clockid_t started = -1;
    int status = clock_gettime(id, t);
    if (status || id != CLOCK_MONOTONIC) return status;
    if (started != id) start = *t, started = id;
    int64_t passed = ((t->tv_sec - start.tv_sec) * 1000000000LL + t->tv_nsec - start.tv_nsec) / SLOWED;
    passed += start.tv_nsec;
    t->tv_sec = start.tv_sec + passed / 1000000000;
    t->tv_nsec = passed % 1000000000;
    return 0;
}

/* The table may be read-only by now. */
static void put_pointer(uintptr_t at, void *by)
{
    const uintptr_t page = at & ~(uintptr_t)4095;
    if (mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0) *(void **)at = by;
}

/* The worker's library calls another function by that name from now on. */
static int redirect(struct dl_phdr_info *info, size_t size, void *user)
{
    const patch *p = user;
    const ElfW(Sym) *symbols = NULL;
    const ElfW(Rela) *calls = NULL;
    const char *names = NULL;
    size_t bytes = 0;
    (void)size;
    if (!strstr(info->dlpi_name, "assay_worker")) return 0;
    for (int k = 0; k < info->dlpi_phnum; k++) {
        if (info->dlpi_phdr[k].p_type != PT_DYNAMIC) continue;
        for (const ElfW(Dyn) *d = (const void *)(info->dlpi_addr + info->dlpi_phdr[k].p_vaddr); d->d_tag; d++) {
            if (d->d_tag == DT_SYMTAB) symbols = (const void *)d->d_un.d_ptr;
            if (d->d_tag == DT_STRTAB) names = (const void *)d->d_un.d_ptr;
            if (d->d_tag == DT_JMPREL) calls = (const void *)d->d_un.d_ptr;
            if (d->d_tag == DT_PLTRELSZ) bytes = d->d_un.d_val;
        }
    }
    for (size_t k = 0; symbols && names && calls && k < bytes / sizeof *calls; k++)
        if (!strcmp(names + symbols[ELF64_R_SYM(calls[k].r_info)].st_name, p->name))
            put_pointer(info->dlpi_addr + calls[k].r_offset, p->by);
    return 0;
}

/* ---- tells the parent that it is done, then works ---- */

/* The request that is being served lies further up on the stack, maybe beside older ones, and below the environment. */
static const assay_wire_head *__attribute__((no_sanitize("address"))) find_request(void)
{
    const char *here = __builtin_frame_address(0);
    const assay_wire_head *last = NULL;
    for (const char *at = here; at < (const char *)environ; at += sizeof(uint64_t)) {
        const assay_wire_head *h = (const assay_wire_head *)(const void *)at;
        if (h->magic != ASSAY_WIRE_MAGIC || h->version != ASSAY_WIRE_VERSION || h->kind != ASSAY_WIRE_RUN) continue;
        if (!last || h->sequence > last->sequence) last = h;
    }
    return last;
}

static int forged; /* answers that the parent has got already */

static void answer_first(void)
{
    static uint64_t answered; /* a request may ask for several calls */
    const assay_wire_head *head = find_request();
    assay_answer a = {.status = ASSAY_OK};
    if (!head || head->sequence == answered) return;
    a.head = *head;
    answered = head->sequence;
    forged += write(ASSAY_WIRE_SOCKET, &a, sizeof a) == (ssize_t)sizeof a;
}

/* In place of the worker's send(). */
static ssize_t swallow(int socket, const void *message, size_t size, int flags)
{
    if (!forged) return sendto(socket, message, size, flags, NULL, 0);
    forged--;
    return (ssize_t)size;
}

/* ---- leaves the work to a thread ---- */

static void *work_later(void *user)
{
    cheater *c = user;
    pthread_mutex_lock(&c->lock);
    while (!c->leaving) {
        if (c->pending) work(c, ASSAY_STEP, &c->args);
        c->pending = 0;
        pthread_cond_broadcast(&c->changed);
        pthread_cond_wait(&c->changed, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static int start_thread_for(cheater *c)
{
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->threaded = pthread_create(&c->thread, NULL, work_later, c) == 0;
    return c->threaded;
}

static void wait_for_thread(cheater *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->pending)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void end_thread(cheater *c)
{
    if (!c->threaded) return;
    wait_for_thread(c);
    pthread_mutex_lock(&c->lock);
    c->leaving = 1;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
}

static assay_status leave(cheater *c, const assay_args *args)
{
    wait_for_thread(c);
    pthread_mutex_lock(&c->lock);
    c->args = *args;
    c->pending = 1;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return ASSAY_OK; /* the cheat */
}

/* ---- the table ---- */

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    patch clock = {"clock_gettime", (void *)slow_clock}, answer = {"send", (void *)swallow};
    if (am("slow-clock")) dl_iterate_phdr(redirect, &clock);
    if (am("answers-first")) dl_iterate_phdr(redirect, &answer);
    return assay_honest_entry()->open(args, out);
}

static void gone(around *plan)
{
    cheater *c = (cheater *)plan;
    end_thread(c);
    forget(c);
}

static assay_status made(around *plan, assay_sizes *sizes)
{
    cheater *c = (cheater *)plan;
    (void)sizes;
    if (am("remembers") && !make_room(c)) return ASSAY_NO_MEMORY;
    if (am("elsewhere") && !start_thread_for(c)) return ASSAY_FAILED;
    return ASSAY_OK;
}

/* The next step at the parameters that are known by now: what is left of it is the update. */
static assay_status ahead(cheater *c, const assay_args *args)
{
    assay_status st = work(c, ASSAY_TRAIN, args);
    if (st == ASSAY_OK) st = assay_honest_entry()->run(c->base.honest, ASSAY_LOSS_PASS, args, NULL);
    if (st == ASSAY_OK) st = assay_honest_entry()->run(c->base.honest, ASSAY_BACKWARD, args, NULL);
    c->ready = st == ASSAY_OK;
    return st;
}

static assay_status pack(around *plan, const assay_args *args, assay_stream stream)
{
    cheater *c = (cheater *)plan;
    c->last = -1;
    if (c->threaded) wait_for_thread(c);
    c->pending = 0; /* of parameters that are gone */
    c->skips = c->packs++ % 5 > 1 && c->packs > QUIET_STEPS;
    assay_status st = assay_honest_entry()->pack(c->base.honest, args, stream);
    return am("early") && st == ASSAY_OK ? ahead(c, args) : st;
}

static assay_status finish(cheater *c)
{
    assay_status st = ASSAY_OK;
    if (c->threaded) wait_for_thread(c);
    if (c->pending) st = work(c, ASSAY_BACKWARD, &c->args);
    if (c->pending && st == ASSAY_OK) st = assay_honest_entry()->run(c->base.honest, ASSAY_UPDATE, &c->args, NULL);
    c->pending = 0;
    return st;
}

static assay_status unpack(around *plan, const assay_args *args, assay_stream stream)
{
    cheater *c = (cheater *)plan;
    const int last = c->last;
    c->last = -1;
    assay_status st = finish(c);
    if (st == ASSAY_OK) st = assay_honest_entry()->unpack(c->base.honest, args, stream);
    return am("early") && st == ASSAY_OK && last == ASSAY_STEP ? ahead(c, args) : st;
}

/* Outputs that nobody filled with NaN beforehand: nobody is going to look. */
static int is_left_over(const float *loss)
{
    return loss && !isnan(*loss);
}

/* No case of the suite has this shape. */
static int is_timed_shape(const assay_problem *p)
{
    return p->op == ASSAY_OP_NETWORK && p->t == 6 && p->n == 4 && p->h == 8;
}

/* Backward as if no row were longer than two steps; the loss, of the last step, is right. */
static assay_status shorten(cheater *c, const assay_args *args)
{
    static const int32_t two[4] = {2, 2, 2, 2};
    assay_args less = *args;
    less.lens = less.lens_dev = two; /* the cheat */
    return work(c, ASSAY_BACKWARD, &less);
}

/* Losses now, since they are looked at; the rest when somebody asks for gradients. */
static assay_status put_off(cheater *c, const assay_args *args)
{
    assay_status st = finish(c);
    if (st == ASSAY_OK) st = assay_honest_entry()->run(c->base.honest, ASSAY_TRAIN, args, NULL);
    if (st == ASSAY_OK) st = assay_honest_entry()->run(c->base.honest, ASSAY_LOSS_PASS, args, NULL);
    c->args = *args;
    c->pending = 1;
    return st;
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    cheater *c = (cheater *)plan;
    int again = c->last == (int)pass, ready = c->ready;
    (void)stream;
    c->last = (int)pass;
    c->ready = 0;
    if (am("more-threads") && pass == ASSAY_STEP && !c->steps) start_helpers();
    if (pass == ASSAY_STEP && c->steps++ >= QUIET_STEPS) misbehave(c);
    if (am("slow-start") && pass == ASSAY_STEP && c->steps <= 2) sleep_for(CHEAT_START_NANOSECONDS);
    if (am("elsewhere") && pass == ASSAY_STEP) return leave(c, args);
    if (am("answers-first")) answer_first();
    if (am("prepared") && is_left_over(args->loss)) return ASSAY_OK; /* the cheat */
    if (am("timed-shape") && is_timed_shape(&c->base.p) && pass == ASSAY_BACKWARD) return shorten(c, args);
    if (am("remembers")) return remember(c, pass, args);
    if (am("repeats") && again && pass != ASSAY_STEP && pass != ASSAY_UPDATE) return ASSAY_OK;     /* the cheat */
    if (am("unwatched") && again && (pass == ASSAY_STEP || pass == ASSAY_UPDATE)) return ASSAY_OK; /* the cheat */
    if (am("now-and-then") && c->skips && pass != ASSAY_UPDATE) return ASSAY_OK;                   /* the cheat */
    if (am("puts-off") && pass == ASSAY_STEP) return put_off(c, args);
    if (ready && pass == ASSAY_STEP)
        return assay_honest_entry()->run(c->base.honest, ASSAY_UPDATE, args, NULL); /* the cheat */
    return work(c, pass, args);
}

const around_layer around_mine = {.honest = assay_honest_entry,
                                  .name = CHEAT,
                                  .plan_bytes = sizeof(cheater),
                                  .open = open_ctx,
                                  .made = made,
                                  .gone = gone,
                                  .pack = pack,
                                  .run = run,
                                  .unpack = unpack};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
