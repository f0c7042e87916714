/* activation.h: sigmoid and tanh of many doubles at once, one table entry an instruction set. Private to the reference.
 * SPDX-License-Identifier: MIT
 *
 * libc's, one by one, would take a quarter of the reference's time on a large network. */
#ifndef ASSAY_ACTIVATION_H
#define ASSAY_ACTIVATION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In place, on n doubles. Within 2.5 ulp of 1 / (1 + e^-a), for |a| < 708, and 2 of tanh a (test_activation); the same
 * bits from every entry. Beyond that sigmoid has an absolute error below 1e-307; NaN stays NaN. Any thread. */
typedef struct assay_activation {
    const char *name;
    void (*sigmoid)(int64_t n, double *a);
    void (*tanh)(int64_t n, double *a);
} assay_activation;

extern const assay_activation assay_activation_baseline, assay_activation_avx2, assay_activation_avx512;

/* The best one that this processor runs. */
const assay_activation *assay_activation_pick(void);

#ifdef __cplusplus
}
#endif
#endif
