/* clock.h: the clock that everything is timed and limited by. SPDX-License-Identifier: MIT */
#ifndef ASSAY_CLOCK_H
#define ASSAY_CLOCK_H

#include <time.h>

/* Seconds on CLOCK_MONOTONIC. Any thread, async-signal-safe. */
static inline double assay_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
