/* sandbox.c: the table of system calls as a seccomp filter.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ASSAY_SANITIZED 1 /* the runtime reads /proc, forks and traces itself when it reports */
#else
#define ASSAY_SANITIZED 0
#endif

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH 0 /* unknown: no filter */
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

enum { X32_BIT = 0x40000000, OWN_PID = -1 };

enum test { ALWAYS, EQUAL, HAS };
enum action { ALLOW, REFUSE, ABSENT, FATAL };

typedef struct rule {
    const char *name;
    int number;
    enum action full, weak;
    enum test test;
    int argument;
    int value;
} rule;

static const rule rules[] = {
#define ROW(call, full, weak)                         {#call, SYS_##call, full, weak, ALWAYS, 0, 0},
#define WHEN(call, argument, test, value, full, weak) {#call, SYS_##call, full, weak, test, argument, value},
#include "conformance/worker/syscalls.inc"
#undef ROW
#undef WHEN
};

enum { RULES = sizeof rules / sizeof *rules, PROGRAM_MAX = 8 + 5 * RULES };

static uint32_t action_value(enum action a)
{
    static const uint32_t values[] = {[ALLOW] = SECCOMP_RET_ALLOW,
                                      [REFUSE] = SECCOMP_RET_ERRNO | EPERM,
                                      [ABSENT] = SECCOMP_RET_ERRNO | ENOSYS,
                                      [FATAL] = SECCOMP_RET_TRAP};
    return values[a];
}

static const struct sock_filter load_number = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));

/* Appends one rule; the accumulator holds the call's number before and after. */
static int emit(const rule *r, int level, struct sock_filter *out)
{
    const struct sock_filter ret = BPF_STMT(BPF_RET | BPF_K, action_value(level == 2 ? r->full : r->weak));
    const struct sock_filter match = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->number, 0, 1);
    if (r->test == ALWAYS) {
        out[0] = match;
        out[1] = ret;
        return 2;
    }
    const uint32_t value = (uint32_t)(r->value == OWN_PID ? getpid() : r->value);
    const uint32_t low = (uint32_t)offsetof(struct seccomp_data, args) + 8 * (uint32_t)r->argument; /* little endian */
    const struct sock_filter load = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low);
    const struct sock_filter test =
        BPF_JUMP((uint16_t)(BPF_JMP | (r->test == EQUAL ? BPF_JEQ : BPF_JSET) | BPF_K), value, 0, 1);
    out[0] = match;
    out[0].jf = 4;
    out[1] = load;
    out[2] = test;
    out[3] = ret;
    out[4] = load_number;
    return 5;
}

static int build(int level, struct sock_filter *out)
{
    const struct sock_filter head[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        load_number,
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1), /* the second ABI of x86-64 has other numbers */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    int n = 0;
    for (; n < (int)(sizeof head / sizeof *head); n++)
        out[n] = head[n];
    for (int k = 0; k < RULES; k++)
        n += emit(&rules[k], level, out + n);
    const struct sock_filter rest = BPF_STMT(BPF_RET | BPF_K, action_value(level == 2 ? ABSENT : ALLOW));
    out[n++] = rest;
    return n;
}

int assay_sandbox_close(int level)
{
    struct sock_filter program[PROGRAM_MAX];
    if (level <= 0 || ASSAY_SANITIZED || !OWN_ARCH) return 0;
    struct sock_fprog filter = {.len = (unsigned short)build(level, program), .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 0;
    /* SPEC_ALLOW: older kernels otherwise slow every load of a filtered process down, and timings with it. */
    const unsigned flags[] = {SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_TSYNC};
    for (int k = 0; k < 2; k++)
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[k], &filter) == 0) return level;
    return 0;
}

const char *assay_sandbox_call_name(int number)
{
    for (int k = 0; k < RULES; k++)
        if (rules[k].number == number) return rules[k].name;
    return NULL;
}
