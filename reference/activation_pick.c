/* activation_pick.c: which instruction set's activations this processor runs. SPDX-License-Identifier: MIT */
#include "reference/activation.h"

const assay_activation *assay_activation_pick(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return &assay_activation_avx512;
    if (__builtin_cpu_supports("avx2")) return &assay_activation_avx2;
#endif
    return &assay_activation_baseline;
}
