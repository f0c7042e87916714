/* rogue.c: a plugin that breaks whichever promise of impl.h it is asked to break.
 * SPDX-License-Identifier: MIT */
#include "conformance/tests/plugins/rogue.h"
#include "impl/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct assay_plan {
    assay_problem p;
};

enum { WORKER_SOCKET = 3, BLOCK = 100, PAGE = 4096, SEARCHED = 2048, MUCH = 200000 };

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    *out = NULL;
    return args->threads >= 1 ? ASSAY_OK : ASSAY_BAD_ARGUMENT;
}

static void close_ctx(assay_ctx *ctx)
{
    (void)ctx;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    (void)ctx;
    const assay_arithmetic fp32 = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, 1.0, 0, 0};
    *declared = fp32;
    if (p->dialect.bptt_steps == ROGUE_UNSUPPORTED) *why = "not \033[31mtoday";
    return p->dialect.bptt_steps == ROGUE_UNSUPPORTED ? ASSAY_UNSUPPORTED : ASSAY_OK;
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    (void)ctx;
    const assay_sizes small = {BLOCK, 0, BLOCK, BLOCK};
    *sizes = small;
    if (p->dialect.bptt_steps == ROGUE_HUGE) sizes->workspace = (uint64_t)1 << 60;
    if (p->dialect.bptt_steps == ROGUE_PLAN_CRASH) abort();
    *out = p->dialect.bptt_steps == ROGUE_NO_PLAN ? NULL : malloc(sizeof **out);
    if (*out) (*out)->p = *p;
    return ASSAY_OK;
}

static void plan_free(assay_plan *plan)
{
    free(plan);
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)plan, (void)stream;
    if (!args->packed || !args->param[0]) return ASSAY_BAD_ARGUMENT;
    memcpy(args->packed, args->param[0], sizeof(float));
    return ASSAY_OK;
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)plan, (void)stream;
    if (args->dparam[0]) memcpy(args->dparam[0], args->packed, sizeof(float));
    return ASSAY_OK;
}

static assay_status honest(const assay_problem *p, const assay_args *args)
{
    float *y = args->y, *hn = args->hn;
    const float *x = args->x;
    if (args->grads) return ASSAY_BAD_ARGUMENT; /* a block of no bytes is NULL */
    for (int k = 0; y && k < p->t * p->n * p->h; k++)
        y[k] = x[0];
    for (int k = 0; hn && k < p->n * p->h; k++)
        hn[k] = 1.0f;
    if (args->lens && args->lens != args->lens_dev) return ASSAY_FAILED;
    return ASSAY_OK;
}

static void poke(void *block, long offset)
{
    volatile unsigned char *at = block;
    at[offset] = 0;
}

static int __attribute__((noinline)) use_stack(volatile int *depth)
{
    volatile char here[PAGE];
    here[*depth % PAGE] = 1;
    *depth -= 1;
    return *depth > 0 ? use_stack(depth) + here[0] : 0;
}

static void *sleep_long(void *nothing)
{
    const struct timespec hour = {3600, 0};
    nanosleep(&hour, NULL);
    return nothing;
}

static void flush_subnormals(void)
{
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | 1u << 24));
#endif
}

static assay_status crash(int how)
{
    volatile int zero = 0, result = 0, depth = 1 << 20;
    pthread_t thread;
    switch (how) {
    case ROGUE_NULL_WRITE:
        *(volatile int *)(uintptr_t)zero = 1;
        break;
    case ROGUE_DIVIDE:
        result = 100 / zero; /* 1 / x needs no division */
        return result ? ASSAY_OK : ASSAY_FAILED;
    case ROGUE_ABORT:
        abort();
    case ROGUE_STACK:
        return use_stack(&depth) ? ASSAY_OK : ASSAY_FAILED;
    case ROGUE_EXIT:
        exit(0);
    case ROGUE_HANG:
        sleep_long(NULL);
        break;
    case ROGUE_STOP:
        kill(getpid(), SIGSTOP);
        break;
    case ROGUE_KILL_ITSELF:
        kill(getpid(), SIGKILL);
        break;
    case ROGUE_LEAVE_THREAD:
        return pthread_create(&thread, NULL, sleep_long, NULL) == 0 ? ASSAY_OK : ASSAY_FAILED;
    default:
        break;
    }
    return ASSAY_OK;
}

static assay_status overstep(const assay_problem *p, const assay_args *args)
{
    long y = (long)p->t * p->n * p->h * 4, x = (long)p->t * p->n * p->i * 4;
    float read = 0;
    switch (p->dialect.bptt_steps) {
    case ROGUE_WRITE_INPUT:
        poke((void *)(uintptr_t)args->x, 4);
        break;
    case ROGUE_UNPROTECT_INPUT:
        read = mprotect((void *)((uintptr_t)args->x & ~(uintptr_t)(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE) == 0;
        break;
    case ROGUE_PAST_Y:
        poke(args->y, y);
        break;
    case ROGUE_BEFORE_Y:
        poke(args->y, -4);
        break;
    case ROGUE_READ_PAST_X:
        read = *(const volatile float *)((const char *)args->x + x);
        break;
    case ROGUE_PAST_WORKSPACE:
        poke(args->workspace, BLOCK);
        break;
    case ROGUE_BEFORE_RESERVE:
        poke(args->reserve, -1);
        break;
    case ROGUE_FAR_PAST_PACKED:
        poke(args->packed, PAGE);
        break;
    case ROGUE_CHANGE_ARGS:
        memset((void *)(uintptr_t)args, 0, sizeof *args);
        break;
    default:
        break;
    }
    return read > 0 ? ASSAY_FAILED : ASSAY_OK;
}

static assay_status disturb(int how)
{
    void *volatile kept = NULL;
    switch (how) {
    case ROGUE_PRINT:
        printf(ROGUE_TEXT "\n");
        break;
    case ROGUE_PRINT_MUCH:
        for (int k = 0; k < MUCH; k++)
            fputc('.', stderr);
        break;
    case ROGUE_ALLOCATE:
        kept = malloc(BLOCK);
        kept = realloc(kept, 2 * BLOCK);
        free(kept);
        kept = aligned_alloc(64, 128);
        free(kept);
        break;
    case ROGUE_ROUND_UP:
        fesetround(FE_UPWARD);
        break;
    case ROGUE_FLUSH_SUBNORMALS:
        flush_subnormals();
        break;
    default:
        break;
    }
    return ASSAY_OK;
}

/* Permitted if the address is all that is wrong with it. */
static int read_parent(void)
{
    char byte;
    const struct iovec here = {&byte, 1}, there = {NULL, 1};
    return process_vm_readv(getppid(), &here, 1, &there, 1, 0) >= 0 || errno == EFAULT ? 0 : -1;
}

static int open_for(const char *format, long a, long b, int flags)
{
    char path[96];
    snprintf(path, sizeof path, format, a, b);
    return open(path, flags);
}

static uintptr_t page_of(const void *at)
{
    return (uintptr_t)at & ~(uintptr_t)(PAGE - 1);
}

/* A second mapping of the same pages, which would be asked for anew what may be done with it. */
static int map_again(const void *input)
{
    void *twin = mremap((void *)page_of(input), 0, PAGE, MREMAP_MAYMOVE);
    return twin != MAP_FAILED && mprotect(twin, PAGE, PROT_READ | PROT_WRITE) == 0 ? 0 : -1;
}

static int raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_FSIZE, &files) != 0) return -1;
    files.rlim_cur = files.rlim_max = RLIM_INFINITY;
    return setrlimit(RLIMIT_FSIZE, &files);
}

/* The page, if there is one that can be read: a pipe takes what it can read, and refuses what it can't.
 * Not through write(), where a sanitizer has a word to say. */
static int copy_page(const int ends[2], uintptr_t at, float *page)
{
    return syscall(SYS_write, ends[1], at, PAGE) == PAGE && read(ends[0], page, PAGE) == PAGE;
}

/* Whether four neighbours are 2 x + 1; what is looked for is never put together here, or it would be found. */
static int holds_answer(const float *page, const float *x)
{
    for (int k = 0; k + 4 <= PAGE / 4; k++) {
        int same = 0;
        while (same < 4 && page[k + same] - 1 == 2 * x[same])
            same++;
        if (same == 4) return 1;
    }
    return 0;
}

/* Some MiB on each side of everything that a plugin has the address of. */
static int search_memory(const assay_args *args)
{
    static float page[PAGE / 4];
    float *heap = malloc(sizeof *heap);
    const uintptr_t around[] = {(uintptr_t)args->x, (uintptr_t)args->y, (uintptr_t)heap,
                                (uintptr_t)&heap,   (uintptr_t)page,    (uintptr_t)args->workspace};
    int ends[2], found = 0;
    free(heap);
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    for (size_t k = 0; k < sizeof around / sizeof *around && !found; k++) {
        const uintptr_t first = page_of((const void *)around[k]) - (uintptr_t)SEARCHED * PAGE;
        for (int p = 0; p < 2 * SEARCHED && !found; p++)
            found = copy_page(ends, first + (uintptr_t)p * PAGE, page) && holds_answer(page, args->x);
    }
    close(ends[0]);
    close(ends[1]);
    return found ? 0 : -1;
}

/* Calls that the sandbox forbids; the status tells what happened where it does not. */
static assay_status escape(int how, const assay_args *args)
{
    const struct itimerval second = {{0, 0}, {1, 0}};
    const long start = (long)page_of(args->x);
    char parameters[256] = "";
    pid_t group;
    int got = -1;
    switch (how) {
    case ROGUE_FORK:
        got = (int)fork();
        if (got == 0) _exit(0);
        break;
    case ROGUE_EXEC:
        got = execl("/bin/true", "true", (char *)NULL);
        break;
    case ROGUE_SOCKET:
        got = socket(AF_INET, SOCK_STREAM, 0);
        break;
    case ROGUE_TRACE:
        got = (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
        break;
    case ROGUE_KILL_PARENT:
        got = kill(getppid(), 0);
        break;
    case ROGUE_TIMER:
        got = setitimer(ITIMER_REAL, &second, NULL);
        break;
    case ROGUE_READ_PARENT:
        got = read_parent();
        break;
    case ROGUE_PARENT_MEMORY:
        got = open_for("/proc/%ld/mem", getppid(), 0, O_RDONLY);
        break;
    case ROGUE_REOPEN_INPUT:
        got = open_for("/proc/self/map_files/%lx-%lx", start, start + PAGE, O_RDWR);
        break;
    case ROGUE_MAP_INPUT:
        got = map_again(args->x);
        break;
    case ROGUE_RAISE_LIMIT:
        got = raise_limit();
        break;
    case ROGUE_LEAVE_GROUP:
        group = getpgid(getppid());
        got = setpgid(0, group < 0 ? getppid() : group);
        break;
    case ROGUE_OTHER_ABI:
        got = (int)syscall(0x40000000 | SYS_getppid);
        break;
    case ROGUE_RING:
        got = (int)syscall(SYS_io_uring_setup, 1, parameters);
        break;
    case ROGUE_QUEUE:
        got = msgget(IPC_PRIVATE, 0600);
        break;
    case ROGUE_HANDLER:
        got = signal(SIGSYS, SIG_IGN) == SIG_ERR ? -1 : 0;
        break;
    case ROGUE_SEARCH_MEMORY:
        got = search_memory(args);
        break;
    case ROGUE_OPEN_FILE:
        got = open("/etc/passwd", O_RDONLY);
        break;
    default:
        break;
    }
    return got < 0 ? ASSAY_OK : ASSAY_FAILED;
}

static assay_status speak(int how, const assay_args *args)
{
    if (how == ROGUE_USER) {
        *(float *)args->y = (float)getuid();
        return ASSAY_OK;
    }
    if (how == ROGUE_LOOK_AROUND) return getuid() == 0 || getenv(ROGUE_SECRET) ? ASSAY_FAILED : ASSAY_OK;
    if (how == ROGUE_BAD_STATUS) return (assay_status)77;
    if (how == ROGUE_HANG_UP) {
        close(WORKER_SOCKET);
        sleep_long(NULL);
    }
    return write(WORKER_SOCKET, ROGUE_TEXT, sizeof ROGUE_TEXT) > 0 ? ASSAY_OK : ASSAY_FAILED;
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    (void)pass, (void)stream;
    int how = plan->p.dialect.bptt_steps;
    if (how == ROGUE_HONEST) return honest(&plan->p, args);
    if (how <= ROGUE_EXIT || how == ROGUE_LEAVE_THREAD) return crash(how);
    if (how <= ROGUE_FAR_PAST_PACKED || how == ROGUE_CHANGE_ARGS) return overstep(&plan->p, args);
    if (how <= ROGUE_FLUSH_SUBNORMALS) return disturb(how);
    if (how <= ROGUE_OPEN_FILE) return escape(how, args);
    return speak(how, args);
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {"somebody", NULL};
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

static const assay_impl self = {
    .struct_size = sizeof self,
    .abi_version = ASSAY_ABI_VERSION,
    .name = "rogue",
    .version = "1",
    .place = ASSAY_HOST,
    .open = open_ctx,
    .close = close_ctx,
    .supports = supports,
    .plan = plan_make,
    .plan_free = plan_free,
    .pack = pack,
    .run = run,
    .unpack = unpack,
    .extension = extension,
};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return &self;
}
