/* plain_kernel.c: `cpu` has its kernel in plain C, which ThreadSanitizer instruments, whatever the processor.
 * SPDX-License-Identifier: MIT */
#include "impl/cpu/cpu.h"
#include "impl/cpu/kernel_bf16.h"

cpu_kernel *cpu_kernel_best(const char **name)
{
    *name = "plain C";
    return cpu_kernel_plain;
}

const cpu_cells *cpu_cells_best(void)
{
    return &cpu_cells_plain;
}

int cpu_kernel_tile(void)
{
    return CPU_GRAIN;
}

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
