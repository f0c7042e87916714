/* output.c: writing whole files; the interrupt flag.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/output.h"
#include "conformance/file.h"
#include "perf/cli/command.h"
#include "perf/cli/print.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void assay_interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int assay_interrupted(void)
{
    return interrupted != 0;
}

void assay_interrupt_tell(const char *command)
{
    assay_print_error("%s: interrupted; what stands above is not all", command);
}

int assay_output_write(const char *path, const char *text, size_t size)
{
    char why[256];
    if (assay_file_write(path, text, size, why, sizeof why) == ASSAY_OK) return ASSAY_EXIT_HELD;
    assay_print_error("%s", why);
    return ASSAY_EXIT_UNABLE;
}

int assay_output_json(const char *path, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(value);
    if (!text) {
        assay_print_error("%s: no memory for its text", path);
        return ASSAY_EXIT_UNABLE;
    }
    int status = assay_output_write(path, text, strlen(text));
    free(text);
    return status;
}

json_t *assay_output_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *assay_output_head(const char *command)
{
    struct utsname machine = {0};
    char now[32] = "";
    time_t seconds = time(NULL);
    struct tm utc;
    uname(&machine);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i}}", "program", "assay", "version", ASSAY_VERSION, "command",
                     command, "time", now, "machine", "system", machine.sysname, "architecture", machine.machine,
                     "processors", (int)sysconf(_SC_NPROCESSORS_ONLN));
}
