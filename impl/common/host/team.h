/* team.h: a fixed crew of threads for one context; they sleep between calls and never grow in number.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HOST_TEAM_H
#define ASSAY_HOST_TEAM_H

#include "reference/problem.h"

typedef struct assay_host_team assay_host_team;

/* Work of one member, rank in 0 .. size-1. The caller of assay_host_team_run() is rank 0. */
typedef void assay_host_work(void *arg, int rank, int size);

/* Starts threads - 1 of them. ASSAY_NO_MEMORY if memory or threads can't be had; then nothing is left behind. */
assay_status assay_host_team_open(int threads, assay_host_team **out);
void assay_host_team_close(assay_host_team *team); /* NULL is fine; joins the threads */

int assay_host_team_size(const assay_host_team *team); /* 1 for NULL */

/* Every member runs work(arg, rank, size); returns when all have. NULL team: the caller alone. Not to be nested; one
 * thread at a time. Allocates nothing. */
void assay_host_team_run(assay_host_team *team, assay_host_work *work, void *arg);

/* Inside work: waits until every member has come here. What they wrote before is visible after. */
void assay_host_team_barrier(assay_host_team *team);

/* The same in two halves: what is done between them depends on nobody. The second takes what the first gave. */
unsigned assay_host_team_arrive(assay_host_team *team);
void assay_host_team_await(assay_host_team *team, unsigned pass);

/* This member's share [lo, hi) of count things, in multiples of `grain` but for the last. */
void assay_host_share(int64_t count, int64_t grain, int rank, int size, int64_t *lo, int64_t *hi);

#endif
