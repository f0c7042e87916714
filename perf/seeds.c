/* seeds.c: the two tables of seeds.h.
 * SPDX-License-Identifier: MIT */
#include "perf/seeds.h"

#include <stddef.h>
#include <string.h>

static const assay_seed seeds[] = {
#define SEED(group, system, function, ours, today, defects) {group, system, function, ours, today, defects},
#include "perf/seeds.inc"
};

static const assay_defect defects[] = {
#define DEFECT(group, number, text) {group, number, text},
#include "perf/defects.inc"
};

int assay_seed_count(void)
{
    return (int)(sizeof seeds / sizeof *seeds);
}

const assay_seed *assay_seed_get(int index)
{
    return &seeds[index];
}

const assay_seed *assay_seed_find(const char *workload, const char *system)
{
    for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++)
        if (seeds[k].group[0] == workload[0] && !strcmp(seeds[k].system, system)) return &seeds[k];
    return NULL;
}

int assay_defect_count(void)
{
    return (int)(sizeof defects / sizeof *defects);
}

const assay_defect *assay_defect_get(int index)
{
    return &defects[index];
}

const assay_defect *assay_defect_of(const char *workload, int index)
{
    for (size_t k = 0; k < sizeof defects / sizeof *defects; k++)
        if (defects[k].group[0] == workload[0] && index-- == 0) return &defects[k];
    return NULL;
}
