/* fault.c: handlers that say where a fault lies. Only async-signal-safe calls here.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/fault.h"

#include "conformance/worker/sandbox.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <ucontext.h>

enum { STACK_BYTES = 64 * 1024, NEAR = 64 * 1024 };

/* A signal handler gets no argument of its own: this is how it finds the worker. */
static const assay_scene *volatile watched;

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"},
               {SIGILL, "SIGILL"},   {SIGSYS, "SIGSYS"}, {SIGABRT, "SIGABRT"}};

enum { SIGNALS = sizeof signals / sizeof *signals };

/* A line under construction; snprintf isn't async-signal-safe. */
typedef struct line {
    char *text;
    size_t used, room;
} line;

static void put(line *l, const char *s)
{
    while (*s && l->used + 1 < l->room)
        l->text[l->used++] = *s++;
    l->text[l->used] = '\0';
}

static void put_number(line *l, uint64_t value, unsigned base)
{
    char digits[24], *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (base == 16) put(l, "0x");
    put(l, at);
}

/* "write", "read", or "access" where the machine doesn't tell. */
static const char *access_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return context->uc_mcontext.gregs[REG_ERR] & 2 ? "write" : "read"; /* bit 1 of the page fault's error code */
#elif defined(__aarch64__)
    const struct _aarch64_ctx *record = (const void *)context->uc_mcontext.__reserved;
    for (; record->magic; record = (const void *)((const char *)record + record->size))
        if (record->magic == ESR_MAGIC) return ((const struct esr_context *)record)->esr & 0x40 ? "write" : "read";
    return "access";
#else
    (void)context;
    return "access";
#endif
}

static uintptr_t stack_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.sp;
#else
    (void)context;
    return 0;
#endif
}

/* "write to input x: offset 0 of 40 bytes"; 0 if the address lies in no region. */
static int put_place(line *l, const assay_scene *s, const char *access, const unsigned char *address)
{
    for (int k = 0; k < s->count; k++) {
        const assay_region *r = &s->regions[k];
        if (!r->base || address < r->base || address >= r->base + r->reserved) continue;
        put(l, access);
        if (address < r->data)
            put(l, " before the start of ");
        else if (address >= r->data + r->bytes)
            put(l, " past the end of ");
        else
            put(l, r->input ? " to input " : " of ");
        put(l, r->name);
        put(l, address < r->data ? ": offset -" : ": offset ");
        put_number(l, (uint64_t)(address < r->data ? r->data - address : address - r->data), 10);
        put(l, " of ");
        put_number(l, r->bytes, 10);
        put(l, " bytes");
        return 1;
    }
    return 0;
}

/* The pointers of a device are no addresses of the host: a mistake that is easily made. */
static const char *on_device(const assay_scene *s, const unsigned char *address)
{
    for (int k = 0; k < s->count; k++) {
        const assay_region *r = &s->regions[k];
        if (r->device && address >= r->device && address < r->device + r->device_room) return r->name;
    }
    return NULL;
}

static void put_memory_fault(line *l, const assay_scene *s, const siginfo_t *info, const ucontext_t *context)
{
    const char *access = access_of(context);
    uintptr_t address = (uintptr_t)info->si_addr;
    const char *there = on_device(s, info->si_addr);
    if (put_place(l, s, access, info->si_addr)) return;
    put(l, access);
    put(l, " at ");
    put_number(l, address, 16);
    if (there) {
        put(l, " (");
        put(l, there);
        put(l, ", which lies on the device)");
        return;
    }
    if (address < NEAR)
        put(l, " (a null pointer)");
    else if (address + NEAR - stack_of(context) < 2 * NEAR)
        put(l, " (the stack overflowed)");
    else
        put(l, " (no tensor or block of the plan)");
}

static void put_cause(line *l, const assay_scene *s, const siginfo_t *info, const ucontext_t *context)
{
    if (info->si_signo == SIGSYS) {
        const char *name = assay_sandbox_call_name(info->si_syscall);
        put(l, "system call ");
        if (name)
            put(l, name);
        else
            put_number(l, (uint64_t)info->si_syscall, 10);
        put(l, " is forbidden");
    } else if (info->si_signo == SIGABRT) {
        put(l, "abort() or an assertion");
    } else if (info->si_code <= 0) {
        put(l, "sent by a process");
    } else if (info->si_signo == SIGSEGV || info->si_signo == SIGBUS) {
        put_memory_fault(l, s, info, context);
    } else {
        put(l, "instruction at ");
        put_number(l, (uintptr_t)info->si_addr, 16);
    }
}

void assay_fault_describe(const assay_scene *s, const siginfo_t *info, const void *context, char *what, size_t size)
{
    line l = {what, 0, size};
    for (int k = 0; k < SIGNALS; k++)
        if (signals[k].number == info->si_signo) put(&l, signals[k].name);
    put(&l, " in ");
    put(&l, s->doing);
    put(&l, ": ");
    put_cause(&l, s, info, context);
}

static void report(int number, siginfo_t *info, void *context)
{
    const assay_scene *s = watched;
    assay_answer a;
    memset(&a, 0, sizeof a);
    a.head.magic = ASSAY_WIRE_MAGIC;
    a.head.version = ASSAY_WIRE_VERSION;
    a.head.kind = ASSAY_WIRE_FAULT;
    a.head.sequence = s->sequence;
    assay_fault_describe(s, info, context, a.what, sizeof a.what);
    send(s->socket, &a, sizeof a, MSG_NOSIGNAL | MSG_DONTWAIT);
    raise(number); /* SA_RESETHAND: the default action now, so that the parent sees the true signal */
}

void assay_fault_watch(const assay_scene *scene)
{
    struct sigaction action;
    if (!watched) { /* its own stack, so that a stack overflow can be told too */
        stack_t stack = {.ss_size = STACK_BYTES};
        stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stack.ss_sp != MAP_FAILED) sigaltstack(&stack, NULL);
    }
    watched = scene;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = report;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (int k = 0; k < SIGNALS; k++)
        sigaction(signals[k].number, &action, NULL);
}
