/* heat_memory.h: who of the entrants of one workload has memory all the time, and who only for its own blocks.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HEAT_MEMORY_H
#define ASSAY_HEAT_MEMORY_H

#include "perf/measure.h"

/* Bytes that a process may still allocate here: what the system and the control group of this process have left. -1:
 * unknown. */
int64_t assay_heat_free_bytes(void);

/* Bytes for the plans of `count` entrants: so many GiB, or what is free, less what this program keeps of their outputs
 * while it measures. -1: unknown, and then nobody takes turns. */
int64_t assay_heat_room(double gib, const assay_problem *p, int count);

/* Plan, first steps, estimates. Then it gives its memory up again, unless that is so little of the room that `count`
 * like it leave half of it free: the others have to warm up, too. 1 if it worked. */
int assay_heat_ready(assay_measurement *m, assay_entrant *e, int64_t room, int count);

/* When all are ready: sets their turns (assay_heat_seat), and plans those that stay and have none. */
void assay_heat_share(assay_measurement *m, assay_entrant *const *in, int count, int64_t room);

/* turns[k] = 1 for those of `count` footprints (bytes) that have to take turns: the smallest stay side by side as long
 * as each of the others still fits beside them. -1 for one that does not fit into the room even then. An unknown
 * footprint (-1) counts as nothing. */
void assay_heat_seat(const int64_t *footprints, int count, int64_t room, int *turns);

#endif
