/* heat_state.h: one workload on its way from certificates to records, as heat.c and heat_enter.c share it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HEAT_STATE_H
#define ASSAY_HEAT_STATE_H

#include "perf/heat.h"

/* Lives in assay_heat_run(), which frees what it owns: states, entrants and what the measurement made. */
typedef struct assay_heat {
    assay_bench *b;
    const assay_workload *w;
    assay_problem problems[ASSAY_TIMED_FORMATS];
    assay_values states[ASSAY_STATES];
    int64_t steps[ASSAY_STATES];
    assay_measurement m;
    assay_entrant *entrants; /* one a format and plugin; those not in `in` are out */
    assay_entrant *in[ASSAY_TIMED_FORMATS * ASSAY_MOST_PLUGINS];
    int count, devices; /* 1: some of them are on a device */
    int32_t threads;    /* that everyone has; 0 = those that serve best */
    int steps_only;
    int64_t room; /* bytes for the plans of all workers together; -1: unknown */
    double end;   /* of this workload's share of the budget */
    assay_device_roof device_before, device_after;
} assay_heat;

/* Which of assay_timed_formats an entrant has, and whether it computes on a device. */
int assay_heat_format(const assay_heat *h, const assay_entrant *e);
int assay_heat_on_device(const assay_entrant *e);
/* A row without a number; what is not fp32 says so. */
void assay_heat_leave_out(assay_heat *h, const assay_entrant *e, const char *phase, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Takes those out of the race whose verdict is no PASS, saying which. */
void assay_heat_out_the_fallen(assay_heat *h);
/* Least seconds that five rounds of steps still take. */
double assay_heat_least(const assay_heat *h);

/* Certificates and workers, in the order in which implementations were named. */
void assay_heat_enter_all(assay_heat *h);
/* Warms everyone up, with the number of threads and the share of memory that serve; the slowest are left out until the
 * rest fits into what is left. `reserved`: seconds of an entrant for what comes after the blocks. */
void assay_heat_warm_up(assay_heat *h, double reserved);

#endif
