/* confine.c: what a worker gives up before foreign code runs in it: cores, endless files, its life after the parent,
 * root. SPDX-License-Identifier: MIT */
#include "conformance/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Users that systemd hands out to services for as long as they run: nobody's files belong to them. Where a namespace
 * has too few users, all workers share the one that owns nothing. */
enum { FIRST_USER = 61184, USERS = 4336, NOBODY = 65534 };

/* No limit on address space or memory: drivers and sanitizers reserve terabytes. */
static const struct {
    int resource;
    rlim_t most;
} limits[] = {
    {RLIMIT_CORE, 0},                /* an image of what the parent sent */
    {RLIMIT_FSIZE, (rlim_t)1 << 30}, /* the copy of a plugin is the largest file that a worker writes */
    {RLIMIT_NOFILE, 4096},           /* frameworks open some hundred */
    {RLIMIT_MSGQUEUE, 0},            /* queues outlive the process */
    {RLIMIT_RTPRIO, 0},              /* nobody keeps the parent off its processor */
};

static void lower(int resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0 || now.rlim_max <= most) return;
    now.rlim_max = most;
    if (now.rlim_cur > most) now.rlim_cur = most;
    setrlimit(resource, &now);
}

void assay_worker_settle(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++)
        lower(limits[k].resource, limits[k].most);
    /* If memory runs out, the kernel ends the worker and not the parent, which knows what to make of it. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (write(fd, "1000", 4) != 4) errno = 0; /* nothing depends on it */
    close(fd);
}

static int become(uid_t user)
{
    return setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0;
}

int assay_worker_drop_root(void)
{
    if (geteuid() != 0) return 1;
    if (setgroups(0, NULL) != 0) return 0;
    /* A user of its own, so that one plugin can't look into another's worker. */
    if (!become((uid_t)(FIRST_USER + getpid() % USERS)) && !become(NOBODY)) return 0;
    lower(RLIMIT_NPROC, 8192);
    /* Giving up a user forgets both: the worker would outlive its parent, and its own /proc/self be closed to it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 1);
    return 1;
}
