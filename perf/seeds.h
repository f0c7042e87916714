/* seeds.h: the systems of the original benchmarks and what is known to be wrong with them, beside the rows here.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PERF_SEEDS_H
#define ASSAY_PERF_SEEDS_H

typedef struct assay_seed {
    const char *group;    /* the letter that its workloads begin with */
    const char *system;   /* as published.inc calls it */
    const char *function; /* what it computed, in the words of docs/semantics.md */
    const char *ours;     /* rows here that compute the like */
    const char *today;    /* rows of frameworks that can be timed beside it, or why there are none */
    const char *defects;  /* numbers of the group's defects that concern it, a blank between them */
} assay_seed;

typedef struct assay_defect {
    const char *group;
    int number;
    const char *text;
} assay_defect;

int assay_seed_count(void);
const assay_seed *assay_seed_get(int index);
/* The system that a workload's published time is of; NULL if the table has none. */
const assay_seed *assay_seed_find(const char *workload, const char *system);

int assay_defect_count(void);
const assay_defect *assay_defect_get(int index);
/* The index-th defect of a workload's group, or NULL behind the last. */
const assay_defect *assay_defect_of(const char *workload, int index);

#endif
