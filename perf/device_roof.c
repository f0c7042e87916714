/* device_roof.c: a child process, its one line, its end.
 * SPDX-License-Identifier: MIT */
#include "perf/device_roof.h"

#include "conformance/clock.h"
#include "conformance/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPARE_SECONDS 60. /* for a driver that wakes up, and a context */
#define PROGRAM       "assay-device-roof"

enum { SKIPPED = 77, MOST_TEXT = 4096 };

extern char **environ;

static const struct {
    const char *key;
    size_t at;
} numbers[] = {
#define ROW(member)                                                                                                    \
    {                                                                                                                  \
#member, offsetof(assay_device_roof, member)                                                                   \
    }
    ROW(fma_fp32),    ROW(tensor_tf32), ROW(tensor_bf16),   ROW(copy_gb_per_s), ROW(sm_mhz),
    ROW(sm_mhz_most), ROW(memory_mhz),  ROW(temperature_c), ROW(power_w),       ROW(power_limit_w),
#undef ROW
};

static const struct {
    const char *key;
    size_t at, size;
} words[] = {
#define ROW(member)                                                                                                    \
    {                                                                                                                  \
#member, offsetof(assay_device_roof, member), sizeof(((assay_device_roof *)0)->member)                         \
    }
    ROW(device), ROW(driver), ROW(throttle), ROW(tensor_by), ROW(nvml_missing),
#undef ROW
};

static const char *read_fields(const json_t *root, assay_device_roof *r)
{
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        const json_t *value = json_object_get(root, numbers[k].key);
        const double x = json_is_null(value) ? NAN : json_number_value(value);
        if (!json_is_null(value) && !(json_is_number(value) && x >= 0)) return numbers[k].key;
        memcpy((char *)r + numbers[k].at, &x, sizeof x);
    }
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        const json_t *value = json_object_get(root, words[k].key);
        if (!json_is_string(value) || json_string_length(value) >= words[k].size) return words[k].key;
        strcpy((char *)r + words[k].at, json_string_value(value));
    }
    if (!json_is_integer(json_object_get(root, "compute"))) return "compute";
    if (!json_is_integer(json_object_get(root, "sms"))) return "sms";
    r->compute = (int32_t)json_integer_value(json_object_get(root, "compute"));
    r->sms = (int32_t)json_integer_value(json_object_get(root, "sms"));
    return r->fma_fp32 > 0 && r->copy_gb_per_s > 0 ? NULL : "fma_fp32";
}

assay_status assay_device_roof_parse(const char *line, assay_device_roof *out, char *why, size_t why_size)
{
    assay_device_roof r;
    json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *bad = "a line of JSON";
    memset(&r, 0, sizeof r);
    if (root) bad = read_fields(root, &r);
    json_decref(root);
    if (bad) {
        snprintf(why, why_size, PROGRAM ": its line lacks %s", bad);
        return ASSAY_FAILED;
    }
    *out = r;
    return ASSAY_OK;
}

double assay_device_roof_of(const assay_device_roof *r, int format)
{
    switch (format) {
    case ASSAY_FP32:
        return r->fma_fp32;
    case ASSAY_TF32:
        return isnan(r->tensor_tf32) ? NAN : fmax(r->tensor_tf32, r->fma_fp32);
    case ASSAY_BF16:
        return isnan(r->tensor_bf16) ? NAN : fmax(r->tensor_bf16, r->fma_fp32);
    default:
        return NAN;
    }
}

void assay_device_roof_raise(assay_device_roof *best, const assay_device_roof *now)
{
    const assay_device_roof before = *best;
    *best = *now;
    for (size_t k = 0; k < 4; k++) {
        double x, y;
        memcpy(&x, (const char *)&before + numbers[k].at, sizeof x);
        memcpy(&y, (const char *)now + numbers[k].at, sizeof y);
        y = fmax(x, y); /* of a number and NaN: the number */
        memcpy((char *)best + numbers[k].at, &y, sizeof y);
    }
}

void assay_device_name(const char *about, char *out, size_t size)
{
    int major = 0, minor = 0;
    const char *at = strstr(about, ", compute ");
    size_t used = 0;
    out[0] = '\0';
    if (!at || sscanf(at, ", compute %d.%d", &major, &minor) != 2) return;
    for (const char *c = about; c < at && used + sizeof "-sm99999" < size; c++)
        if (isalnum((unsigned char)*c))
            out[used++] = (char)tolower((unsigned char)*c);
        else if (used && out[used - 1] != '-')
            out[used++] = '-';
    if (used && out[used - 1] == '-') used--;
    snprintf(out + used, size - used, "-sm%d%d", major % 100, minor % 10);
}

/* ---- the child ---- */

static const char *beside(char *buffer, size_t size)
{
    static const char name[] = "/" PROGRAM;
    assay_program_folder(buffer, size - sizeof name);
    strcat(buffer, name);
    return buffer;
}

/* Its output up to the end, within so many seconds; 0 where they ran out. */
static int listen_to(int pipe, double seconds, char *text)
{
    const double end = assay_clock() + seconds;
    size_t used = 0;
    text[0] = '\0';
    for (;;) {
        struct pollfd p = {.fd = pipe, .events = POLLIN};
        const double left = end - assay_clock();
        char rest[256];
        if (!(left > 0)) return 0;
        if (poll(&p, 1, (int)(left * 1e3) + 1) <= 0) continue;
        char *to = used + 1 < MOST_TEXT ? text + used : rest;
        const ssize_t got = read(pipe, to, to == rest ? sizeof rest : MOST_TEXT - 1 - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 1;
        if (to == rest) continue;
        used += (size_t)got;
        text[used] = '\0';
    }
}

static int start(const char *program, int ordinal, double seconds, int out, pid_t *pid)
{
    char first[16], second[24];
    char *const arguments[] = {(char *)(uintptr_t)program, first, second, NULL};
    posix_spawn_file_actions_t actions;
    snprintf(first, sizeof first, "%d", ordinal);
    snprintf(second, sizeof second, "%.3f", seconds);
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error) error = posix_spawn(pid, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static assay_status judge(int heard, int status, char *text, assay_device_roof *out, char *why, size_t why_size)
{
    text[strcspn(text, "\n")] = '\0';
    if (!heard)
        snprintf(why, why_size, PROGRAM ": no answer in time");
    else if (WIFSIGNALED(status))
        snprintf(why, why_size, PROGRAM ": ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == 0)
        return assay_device_roof_parse(text, out, why, why_size);
    else
        snprintf(why, why_size, "%.180s", text[0] ? text : PROGRAM " failed without a word");
    return heard && WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED ? ASSAY_NO_DEVICE : ASSAY_FAILED;
}

assay_status assay_device_roof_measure(const char *program, int ordinal, double seconds, assay_device_roof *out,
                                       char *why, size_t why_size)
{
    char path[PATH_MAX], text[MOST_TEXT];
    int pipes[2], status = 0;
    pid_t pid = 0;
    if (!program) program = beside(path, sizeof path);
    if (access(program, X_OK)) {
        snprintf(why, why_size, "%.150s: is not there", program);
        return ASSAY_NO_DEVICE;
    }
    if (pipe2(pipes, O_CLOEXEC)) {
        snprintf(why, why_size, PROGRAM ": no pipe: %s", strerror(errno));
        return ASSAY_FAILED;
    }
    const int error = start(program, ordinal, seconds, pipes[1], &pid);
    close(pipes[1]);
    if (error) {
        close(pipes[0]);
        snprintf(why, why_size, PROGRAM ": cannot be started: %s", strerror(error));
        return ASSAY_FAILED;
    }
    const int heard = listen_to(pipes[0], seconds + SPARE_SECONDS, text);
    close(pipes[0]);
    if (!heard) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return judge(heard, status, text, out, why, why_size);
}
