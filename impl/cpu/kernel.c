/* kernel.c: which kernel this processor runs.
 * SPDX-License-Identifier: MIT */
#include "impl/cpu/kernel.h"

cpu_kernel *cpu_kernel_best(const char **name)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
        *name = "AVX-512";
        return cpu_kernel_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        *name = "AVX2";
        return cpu_kernel_avx2;
    }
#endif
    *name = "plain C";
    return cpu_kernel_plain;
}
