/* kernel.c: what this processor runs.
 * SPDX-License-Identifier: MIT */
#include "impl/cpu/cpu.h"
#include "impl/cpu/kernel_bf16.h"

#include <sys/syscall.h>
#include <unistd.h>

typedef struct choice {
    const char *name;
    cpu_kernel *kernel;
    const cpu_cells *cells;
    int tile;
} choice;

static choice best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        return (choice){"AVX-512", cpu_kernel_avx512, &cpu_cells_avx512, CPU_COLUMNS};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (choice){"AVX2", cpu_kernel_avx2, &cpu_cells_avx2, CPU_GRAIN};
#endif
    return (choice){"plain C", cpu_kernel_plain, &cpu_cells_plain, CPU_GRAIN};
}

cpu_kernel *cpu_kernel_best(const char **name)
{
    *name = best().name;
    return best().kernel;
}

const cpu_cells *cpu_cells_best(void)
{
    return best().cells;
}

int cpu_kernel_tile(void)
{
    return best().tile;
}

#if defined(__x86_64__)
int cpu_has_bf16(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

int cpu_has_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM of Linux, a state of the processor */
    return cpu_has_bf16() && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

cpu_kernel *cpu_kernel_of_pairs(void)
{
    return cpu_has_amx() ? cpu_kernel_amx : cpu_has_bf16() ? cpu_kernel_bf16 : NULL;
}

const stack_ops *cpu_ops_of(int format)
{
    return format == ASSAY_BF16 ? &cpu_ops_bf16 : &cpu_ops;
}
#else
int cpu_has_bf16(void)
{
    return 0;
}

int cpu_has_amx(void)
{
    return 0;
}

cpu_kernel *cpu_kernel_of_pairs(void)
{
    return NULL;
}

const stack_ops *cpu_ops_of(int format)
{
    (void)format;
    return &cpu_ops;
}
#endif
