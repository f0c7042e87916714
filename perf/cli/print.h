/* print.h: what goes to the terminal: colour, the progress line, one-line errors.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PRINT_H
#define ASSAY_PRINT_H

#include <stddef.h>
#include <stdint.h>

typedef enum assay_colour { ASSAY_PLAIN, ASSAY_RED, ASSAY_GREEN, ASSAY_YELLOW, ASSAY_BOLD } assay_colour;

/* Text in a colour on stdout, if that is a terminal and NO_COLOR is unset or empty. width > 0: left-aligned in so
 * many columns, < 0: right-aligned. Main thread. */
void assay_print_colour(assay_colour c, int width, const char *text);

/* One line on stderr: "assay " and the message. Clears the progress line first. */
void assay_print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 1, and an error line, if results were skipped although ASSAY_REQUIRE_DEVICE is set (to anything but "" or 0): on a
 * machine that has to have its devices a skipped result is a failure. */
int assay_print_required(const char *command, int skipped);

/* A number with three digits that a reader can take in: "0.273", "1.4e-07", "inf". buffer >= 16 bytes. */
const char *assay_print_number(double x, char *buffer, size_t size);
/* Text that comes from a plugin, fit for terminals and files: what isn't printable ASCII becomes '?'. Cut at size. */
const char *assay_print_clean(const char *text, char *buffer, size_t size);
/* "0x..." of a seed, buffer >= 19 bytes. */
const char *assay_print_seed(uint64_t seed, char *buffer, size_t size);

/* The progress line: one line on stderr that is overwritten, only if stderr is a terminal. */
typedef struct assay_progress {
    double started, shown; /* seconds of the monotonic clock */
    int visible;
} assay_progress;
void assay_progress_start(assay_progress *p);
/* done of total things, the one in hand being `what`. At most ten updates a second. */
void assay_progress_show(assay_progress *p, int done, int total, const char *what);
void assay_progress_clear(assay_progress *p);

#endif
