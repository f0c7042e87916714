/* roof_kernel.h: loops of nothing but multiply-adds, one table entry an instruction set. Private to perf.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROOF_KERNEL_H
#define ASSAY_ROOF_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_roof_kernel {
    const char *isa;
    int flop_fp32, flop_fp64; /* operations of one round */
    /* That many rounds in registers; what comes back is of no meaning, but keeps the loop. Any thread. */
    float (*fp32)(int64_t rounds, float factor, float term);
    double (*fp64)(int64_t rounds, double factor, double term);
} assay_roof_kernel;

/* The same for operands of a narrow format, which few processors multiply: flop of one round. */
typedef struct assay_roof_narrow {
    const char *isa;
    int flop;
    float (*run)(int64_t rounds);
} assay_roof_narrow;

extern const assay_roof_narrow assay_roof_bf16, assay_roof_amx; /* built for x86-64 alone */
int assay_roof_amx_usable(void); /* 1: this process may run it, and all threads that it starts from now on */
extern const assay_roof_kernel assay_roof_baseline, assay_roof_avx2, assay_roof_avx512;

#ifdef __cplusplus
}
#endif
#endif
