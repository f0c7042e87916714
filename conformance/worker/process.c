/* process.c: posix_spawn with a clean environment, poll, pidfd and waitpid. Nothing here waits without a limit.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/process.h"

#include "conformance/clock.h"
#include "conformance/worker/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Descriptors that the child gets are first moved up here, out of the way of the numbers that it gets them as. */
enum { HIGH = 10, VARIABLES = 20, VARIABLE_BYTES = 4096, DRAIN_ROUNDS = 64 };

static const double stop_limit = 10;   /* s; a thread that is still in the kernel then hangs in a driver */
static const double spin_limit = 1e-4; /* s; stopping takes less on a machine that is not busy */
static const double kill_limit = 10;   /* s; a killed process that isn't gone by then hangs in a driver: leave it */

static struct timespec to_timespec(double seconds)
{
    if (!(seconds > 0)) seconds = 0;
    if (seconds > 1e6) seconds = 1e6;
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    return t;
}

static void close_one(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static int move_up(int *fd)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, HIGH);
    if (moved < 0) return 0;
    close(*fd);
    *fd = moved;
    return 1;
}

typedef struct environment {
    char *list[VARIABLES + 1];
    int count;
} environment;

static void add_variable(environment *e, const char *name, const char *value)
{
    char *text = NULL;
    if (value && e->count < VARIABLES && asprintf(&text, "%s=%s", name, value) >= 0) e->list[e->count++] = text;
}

/* What a loader and thread pools need and no more: a worker learns nothing about the run from its surroundings. */
static void make_environment(environment *e, int threads)
{
    static const char *const kept[] = {"PATH",         "LD_LIBRARY_PATH", "PYTHONPATH",   "CUDA_VISIBLE_DEVICES",
                                       "ASAN_OPTIONS", "UBSAN_OPTIONS",   "TSAN_OPTIONS", "LSAN_OPTIONS"};
    static const char *const pools[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS",
                                        "MKL_NUM_THREADS"};
    char number[16];
    memset(e, 0, sizeof *e);
    snprintf(number, sizeof number, "%d", threads);
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
        add_variable(e, kept[k], getenv(kept[k]));
    for (size_t k = 0; k < sizeof pools / sizeof *pools; k++)
        add_variable(e, pools[k], number);
    add_variable(e, "USER", "nobody"); /* a worker's user may have no name: who asks gets this one */
    add_variable(e, "HOME", "/nonexistent");
}

static void free_environment(environment *e)
{
    for (int k = 0; k < e->count; k++)
        free(e->list[k]);
}

/* A group of its own, so that Ctrl-C reaches the parent only, which then decides. */
static int spawn(const char *program, const char *script, const char *plugin, int threads, int socket, int output,
                 pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    environment e;
    char number[16];
    snprintf(number, sizeof number, "%d", ASSAY_WIRE_SOCKET);
    char *native[] = {"assay-worker", number, (char *)plugin, NULL};
    /* An interpreter finds its libraries by the name that it was called by; -B: it leaves no files behind. */
    char *hosted[] = {(char *)program, "-B", (char *)script, number, (char *)plugin, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    make_environment(&e, threads);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, socket, ASSAY_WIRE_SOCKET);
    posix_spawn_file_actions_addclosefrom_np(&actions, ASSAY_WIRE_SOCKET + 1);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int error = posix_spawnp(pid, program, &actions, &attributes, script ? hosted : native, e.list);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free_environment(&e);
    return error;
}

int assay_process_start(const char *program, const char *script, const char *plugin, int threads, assay_process *out)
{
    int pair[2] = {-1, -1}, output[2] = {-1, -1}, error = 0;
    pid_t pid = 0;
    memset(out, 0, sizeof *out);
    out->ended = out->tasks = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || pipe2(output, O_CLOEXEC) != 0 ||
        !move_up(&pair[1]) || !move_up(&output[1]) || fcntl(output[0], F_SETFL, O_NONBLOCK) != 0)
        error = errno;
    if (!error) error = spawn(program, script, plugin, threads, pair[1], output[1], &pid);
    close_one(&pair[1]);
    close_one(&output[1]);
    if (error) {
        close_one(&pair[0]);
        close_one(&output[0]);
    } else {
        char folder[32];
        snprintf(folder, sizeof folder, "/proc/%d/task", (int)pid);
        out->tasks = open(folder, O_PATH | O_CLOEXEC);
        out->ended = (int)syscall(SYS_pidfd_open, pid, 0);
    }
    out->pid = pid;
    out->socket = pair[0];
    out->output = output[0];
    return error;
}

int assay_process_send(assay_process *p, const void *message, size_t size, const int *fds, int count)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(ASSAY_WIRE_BINDS * sizeof(int))];
    } control;
    const size_t bytes = (size_t)count * sizeof *fds;
    struct iovec part = {.iov_base = (void *)message, .iov_len = size};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(bytes);
        memcpy(CMSG_DATA(c), fds, bytes);
    }
    /* DONTWAIT: a worker reads each request before the next is sent; one that doesn't must not hold the parent. */
    return sendmsg(p->socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

/* The first line is kept, made printable; bytes are only counted from there on. */
static void take_in(assay_process *p, const char *bytes, size_t n)
{
    size_t used = strlen(p->text);
    for (size_t k = 0; k < n && p->printed + (int64_t)k == (int64_t)used && used < ASSAY_OUTPUT_KEPT; k++) {
        if (bytes[k] == '\n') break;
        p->text[used++] = bytes[k] >= ' ' && bytes[k] < 127 ? bytes[k] : '?';
    }
    p->text[used] = '\0';
    p->printed += (int64_t)n;
}

void assay_process_drain(assay_process *p)
{
    char bytes[4096];
    for (int round = 0; p->output >= 0 && round < DRAIN_ROUNDS; round++) {
        ssize_t n = read(p->output, bytes, sizeof bytes);
        if (n < 0) break;
        if (n == 0) close_one(&p->output);
        take_in(p, bytes, (size_t)n);
    }
}

void assay_process_forget(assay_process *p)
{
    p->printed = 0;
    p->text[0] = '\0';
}

/* 1: a message; 0: the other side closed; -1: nothing there. */
static int look(const assay_process *p, void *message, size_t size, size_t *got)
{
    ssize_t n = recv(p->socket, message, size, MSG_DONTWAIT | MSG_TRUNC);
    /* A worker that died with a request unread resets the socket; its last words are still behind that error. */
    if (n < 0 && errno == ECONNRESET) n = recv(p->socket, message, size, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
    *got = (size_t)n;
    return n > 0;
}

assay_heard assay_process_hear(assay_process *p, void *message, size_t size, size_t *got, double seconds, int awake)
{
    double end = assay_clock() + seconds;
    for (int k = 0; awake && k < ASSAY_WIRE_LOOKS; k++) {
        int found = look(p, message, size, got);
        if (found >= 0) return found ? ASSAY_HEARD_MESSAGE : ASSAY_HEARD_END;
        sched_yield();
    }
    for (;;) {
        struct pollfd fds[] = {{.fd = p->socket, .events = POLLIN},
                               {.fd = p->output, .events = POLLIN},
                               {.fd = p->ended, .events = POLLIN}}; /* negative ones are skipped */
        struct timespec left = to_timespec(seconds > 0 ? end - assay_clock() : 0);
        int ready = ppoll(fds, 3, &left, NULL);
        if (ready < 0 && errno != EINTR) return ASSAY_HEARD_END;
        if (ready > 0 && fds[0].revents) {
            int found = look(p, message, size, got);
            if (found >= 0) return found ? ASSAY_HEARD_MESSAGE : ASSAY_HEARD_END;
        }
        if (ready > 0 && fds[1].revents) assay_process_drain(p);
        /* Its last words may have come after the socket was looked at. */
        if (ready > 0 && fds[2].revents && !fds[0].revents)
            return look(p, message, size, got) > 0 ? ASSAY_HEARD_MESSAGE : ASSAY_HEARD_END;
        if (!(assay_clock() < end)) return ASSAY_HEARD_NOTHING;
    }
}

int assay_process_stop(assay_process *p)
{
    const double start = assay_clock();
    if (p->pid <= 0) return 1;
    p->stopped = 1;
    kill(p->pid, SIGSTOP);
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        const int got = waitid(P_PID, (id_t)p->pid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT);
        if (got == 0 && info.si_pid == p->pid) return 1;
        const double waited = assay_clock() - start;
        if ((got < 0 && errno != EINTR) || !(waited < stop_limit)) return 0;
        const struct timespec nap = {0, 20000};
        if (waited > spin_limit) nanosleep(&nap, NULL);
    }
}

/* Not to one that wasn't stopped: the signal would take back the stop by which a leak checker looks at a process that
 * ends, and each would wait for the other. */
void assay_process_continue(assay_process *p)
{
    if (p->pid > 0 && p->stopped) kill(p->pid, SIGCONT);
    p->stopped = 0;
}

double assay_process_seconds(const assay_process *p)
{
    struct timespec t;
    clockid_t id;
    if (p->pid <= 0 || clock_getcpuclockid(p->pid, &id) || clock_gettime(id, &t)) return -1;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int assay_process_threads(const assay_process *p)
{
    struct stat st;
    if (p->tasks < 0 || fstat(p->tasks, &st) != 0 || st.st_nlink < 3) return -1;
    return (int)st.st_nlink - 2; /* one link a thread, as in any folder of folders */
}

/* One line of its status in bytes: "VmHWM:    1234 kB". */
static int64_t in_status(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    long long kib;
    return line && sscanf(line + strlen(name), ": %lld kB", &kib) == 1 ? (int64_t)kib * 1024 : -1;
}

assay_footprint assay_process_memory(const assay_process *p, int restart)
{
    assay_footprint f = {-1, -1};
    char path[40], text[4096];
    if (p->pid <= 0) return f;
    snprintf(path, sizeof path, "/proc/%d/clear_refs", p->pid);
    int fd = restart ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)!write(fd, "5", 1); /* proc(5): the peak becomes what it has now */
        close(fd);
    }
    snprintf(path, sizeof path, "/proc/%d/status", p->pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return f;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    return (assay_footprint){in_status(text, "VmRSS"), in_status(text, "VmHWM")};
}

/* 1 once the process has ended. Its number stays taken until it is reaped, so that it can't be another's yet. */
static int wait_end(const assay_process *p, double seconds)
{
    double end = assay_clock() + seconds;
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        int got = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        if (got == 0 && info.si_pid == p->pid) return 1;
        if (got < 0 && errno != EINTR) return 0;
        double left = end - assay_clock();
        if (!(left > 0)) return 0;
        struct pollfd fd = {.fd = p->ended, .events = POLLIN};
        struct timespec wait = to_timespec(p->ended >= 0 || left < 1e-3 ? left : 1e-3);
        ppoll(&fd, 1, &wait, NULL);
    }
}

int assay_process_finish(assay_process *p, double grace)
{
    int status = -1;
    close_one(&p->socket); /* the worker reads the end of its session here */
    if (p->pid > 0) {
        assay_process_continue(p); /* who stands still does not end */
        int by_itself = wait_end(p, grace);
        kill(-p->pid, SIGKILL); /* and whatever it may have started */
        kill(p->pid, SIGKILL);
        if (by_itself || wait_end(p, kill_limit)) waitpid(p->pid, &status, WNOHANG);
        if (!by_itself) status = -1;
    }
    assay_process_drain(p);
    close_one(&p->output);
    close_one(&p->ended);
    close_one(&p->tasks);
    p->pid = 0;
    return status;
}
