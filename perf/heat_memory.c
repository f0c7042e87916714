/* heat_memory.c: how much memory is left, and how implementations share it.
 * SPDX-License-Identifier: MIT
 *
 * A worker that the kernel ends for want of memory leaves no number, and takes others' with it by paging out what they
 * run. So no more is planned at once than fits. */
#include "perf/heat_memory.h"

#include "conformance/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEPT_READINGS 5 /* of an entrant: measure.h, four blocks and the reading that comes */

/* A number behind a key, or alone in its file if the key is ""; -1 without. */
static int64_t read_number(const char *path, const char *key)
{
    char line[256];
    int64_t value, found = -1;
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    while (found < 0 && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), "%" SCNd64, &value) == 1) found = value;
    fclose(f);
    return found;
}

/* Of the control group that this process is in, version 2: "max" is no number, and then there is no limit. */
static int64_t group_free(void)
{
    char line[256] = "", path[320];
    FILE *f = fopen("/proc/self/cgroup", "r");
    while (f && fgets(line, sizeof line, f) && strncmp(line, "0::", 3) != 0)
        line[0] = '\0';
    if (f) fclose(f);
    if (!line[0]) return -1;
    line[strcspn(line, "\n")] = '\0';
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
    const int64_t limit = read_number(path, "");
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", line + 3);
    const int64_t used = read_number(path, "anon "), shared = read_number(path, "shmem ");
    return limit < 0 || used < 0 || shared < 0 ? -1 : limit - used - shared;
}

int64_t assay_heat_free_bytes(void)
{
    const int64_t system = read_number("/proc/meminfo", "MemAvailable:"), group = group_free();
    if (system < 0) return group;
    return group < 0 || system * 1024 < group ? system * 1024 : group;
}

int64_t assay_heat_room(double gib, const assay_problem *p, int count)
{
    assay_tensor list[ASSAY_TENSORS];
    const int tensors = assay_tensors_of(p, list);
    const int64_t all = gib > 0 ? (int64_t)(gib * (1 << 30)) : assay_heat_free_bytes();
    int64_t kept = 0;
    if (gib > 0 || all < 0) return all;
    for (int k = 0; k < tensors; k++)
        if (list[k].role != ASSAY_ROLE_INPUT) kept += list[k].count * (int64_t)sizeof(double);
    kept *= KEPT_READINGS * (int64_t)count;
    return all > kept ? all - kept : 0;
}

int assay_heat_ready(assay_measurement *m, assay_entrant *e, int64_t room, int count)
{
    const double begin = assay_clock();
    if (!assay_rig_plan(&e->rig, &m->states[0]) || !assay_measure_warm_up(m, e)) return 0;
    e->waiting = assay_clock() - begin;
    if (!assay_measure_estimate(e)) return 0;
    return room < 0 || assay_rig_footprint(&e->rig) <= room / (2 * count) || assay_rig_park(&e->rig);
}

void assay_heat_seat(const int64_t *footprints, int count, int64_t room, int *turns)
{
    int64_t seated = 0;
    for (int k = 0; k < count; k++)
        turns[k] = room < 0 ? 0 : footprints[k] > room ? -1 : 1;
    for (;;) {
        int next = -1;
        int64_t largest = 0;
        for (int k = 0; k < count; k++)
            if (turns[k] == 1 && (next < 0 || footprints[k] < footprints[next])) next = k;
        for (int k = 0; k < count; k++)
            if (turns[k] == 1 && k != next && footprints[k] > largest) largest = footprints[k];
        if (next < 0) return;
        seated += footprints[next] > 0 ? footprints[next] : 0;
        if (seated + largest > room) return;
        turns[next] = 0;
    }
}

void assay_heat_share(assay_measurement *m, assay_entrant *const *in, int count, int64_t room)
{
    int64_t footprints[ASSAY_MOST_ENTRANTS] = {0};
    int turns[ASSAY_MOST_ENTRANTS];
    for (int k = 0; k < count; k++)
        footprints[k] = assay_rig_footprint(&in[k]->rig);
    assay_heat_seat(footprints, count, room, turns);
    for (int k = 0; k < count; k++) {
        in[k]->turns = turns[k];
        if (turns[k] && in[k]->rig.planned) assay_rig_park(&in[k]->rig);
    }
    for (int k = 0; k < count; k++)
        if (!turns[k] && !in[k]->rig.planned) assay_measure_wake(m, in[k]);
}
