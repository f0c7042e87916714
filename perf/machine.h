/* machine.h: facts about the machine that a time needs beside it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MACHINE_H
#define ASSAY_MACHINE_H

#include <stdint.h>

/* What is not known is "" or 0. */
typedef struct assay_machine {
    char cpu[96];           /* model, as the kernel names it */
    char isa[64];           /* vector extensions that matter here: "avx2 fma avx512f" */
    int32_t cores;          /* physical, those this process may use */
    int32_t threads;        /* logical, those this process may use */
    int32_t l2_kib, l3_kib; /* of one cache */
    double memory_gib;
    char governor[24];   /* of the first core */
    char kernel[96];     /* "Linux 6.1.0" */
    char os[64];         /* PRETTY_NAME */
    char hypervisor[32]; /* "" on bare metal */
    char node[64];       /* which of many: $ASSAY_NODE; "" where nobody gave it a name */
} assay_machine;

/* Reads /proc, /sys and uname(). Cannot fail: what is missing stays empty. */
void assay_machine_read(assay_machine *m);

#endif
