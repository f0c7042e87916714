/* print.c: colour, progress and errors on the terminal.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/print.h"

#include "conformance/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const codes[] = {"", "\033[31m", "\033[32m", "\033[33m", "\033[1m"};

static int wants_colour(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no);
}

void assay_print_colour(assay_colour c, int width, const char *text)
{
    int on = c != ASSAY_PLAIN && wants_colour();
    printf("%s%*s%s", on ? codes[c] : "", -width, text, on ? "\033[0m" : "");
}

void assay_print_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs(isatty(STDERR_FILENO) ? "\r\033[Kassay " : "assay ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int assay_print_required(const char *command, int skipped)
{
    const char *asked = getenv("ASSAY_REQUIRE_DEVICE");
    if (!skipped || !asked || !asked[0] || !strcmp(asked, "0")) return 0;
    assay_print_error("%s: %d SKIPPED, but ASSAY_REQUIRE_DEVICE says that nothing may be", command, skipped);
    return 1;
}

const char *assay_print_number(double x, char *buffer, size_t size)
{
    double a = fabs(x);
    snprintf(buffer, size, a != 0 && (a < 1e-3 || a >= 1e4) ? "%.1e" : "%.3g", x);
    return buffer;
}

const char *assay_print_clean(const char *text, char *buffer, size_t size)
{
    size_t k = 0;
    for (; text[k] && k + 1 < size; k++)
        buffer[k] = text[k] >= ' ' && text[k] <= '~' ? text[k] : '?';
    buffer[k] = '\0';
    return buffer;
}

const char *assay_print_seed(uint64_t seed, char *buffer, size_t size)
{
    snprintf(buffer, size, "0x%llx", (unsigned long long)seed);
    return buffer;
}

void assay_progress_start(assay_progress *p)
{
    p->started = assay_clock();
    p->shown = 0;
    p->visible = 0;
}

void assay_progress_show(assay_progress *p, int done, int total, const char *what)
{
    double now = assay_clock();
    if (!isatty(STDERR_FILENO) || now - p->shown < 0.1) return;
    double passed = now - p->started;
    double rate = passed > 0 ? done / passed : 0;
    fprintf(stderr, "\r\033[K%d/%d", done, total);
    if (rate > 0) fprintf(stderr, "  %.3g/s  %.0f s left", rate, (total - done) / rate);
    fprintf(stderr, "  %.60s", what);
    fflush(stderr);
    p->shown = now;
    p->visible = 1;
}

void assay_progress_clear(assay_progress *p)
{
    if (p->visible) fputs("\r\033[K", stderr);
    p->visible = 0;
}
