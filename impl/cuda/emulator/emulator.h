/* emulator.h: runs kernels on a CPU: threads are fibers, in an order drawn from a seed, and every order is looked at.
 * SPDX-License-Identifier: MIT
 *
 * What is watched, by happens-before and not by luck (docs/emulator.md): each word of shared memory, each barrier, each
 * warp operation. The first thing that goes wrong ends the launch and is told in one line. Blocks of one cluster run
 * side by side, clusters one after another, both in random order. One machine belongs to one thread of the host. */
#ifndef ASSAY_CUDA_EMULATOR_H
#define ASSAY_CUDA_EMULATOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct emulator_machine emulator_machine;

typedef enum emulator_fault {
    EMULATOR_NONE,
    EMULATOR_RACE,          /* two accesses to shared memory, at least one of them a write, and nothing orders them */
    EMULATOR_UNINITIALISED, /* shared memory, or a memory barrier in it, used before anybody wrote it */
    EMULATOR_LEFT,          /* a thread or block left while others needed it */
    EMULATOR_LANES,         /* a warp operation and its lanes do not agree */
    EMULATOR_DEADLOCK,      /* nobody can go on */
    EMULATOR_BOUNDS,        /* outside of what was asked for: shared memory, threads, ranks */
    EMULATOR_NO_MEMORY
} emulator_fault;

typedef struct emulator_launch {
    const char *name; /* of the kernel, static */
    void (*kernel)(const void *args);
    const void *args;
    uint32_t blocks[3], threads; /* threads: a multiple of 32 */
    uint32_t cluster;            /* blocks of a cluster, along x; 1: none */
    uint32_t shared;             /* bytes of dynamic shared memory */
    uint64_t seed;               /* of the order */
} emulator_launch;

/* All memory that launches need. NULL: there is none. */
emulator_machine *emulator_open(void);
void emulator_close(emulator_machine *m); /* NULL is fine */

/* Runs it to the end, or to the first fault. Allocates nothing. */
emulator_fault emulator_run(emulator_machine *m, const emulator_launch *launch);

/* The last fault in one line, "" if there was none; until the next launch. */
const char *emulator_why(const emulator_machine *m);

/* "race", "left": never NULL. */
const char *emulator_fault_name(emulator_fault fault);

#ifdef __cplusplus
}
#endif
#endif
