/* waiting.c: reads /proc/PID/task/TID/schedstat: nanoseconds run, nanoseconds in line, turns.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/waiting.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Nanoseconds of one thread; -1 if it has ended meanwhile, or its file is another than expected. */
static double waited_by(int tasks, const char *thread)
{
    char name[280], text[96];
    unsigned long long in_line;
    snprintf(name, sizeof name, "%s/schedstat", thread);
    int fd = openat(tasks, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return -1;
    text[n] = '\0';
    return sscanf(text, "%*u %llu", &in_line) == 1 ? (double)in_line : -1;
}

double assay_process_waited(const assay_process *p)
{
    double sum = 0;
    int known = 0, folder = p->tasks < 0 ? -1 : openat(p->tasks, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = folder < 0 ? NULL : fdopendir(folder);
    if (!list && folder >= 0) close(folder);
    for (const struct dirent *e = list ? readdir(list) : NULL; e; e = readdir(list)) {
        const double one = e->d_name[0] == '.' ? -1 : waited_by(p->tasks, e->d_name);
        known |= one >= 0;
        if (one > 0) sum += one;
    }
    if (list) closedir(list);
    return known ? 1e-9 * sum : -1;
}
