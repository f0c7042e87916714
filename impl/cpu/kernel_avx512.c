/* kernel_avx512.c: 32 registers of 16 numbers: tiles of 6 x 64 or 8 x 48.
 * SPDX-License-Identifier: MIT */
#define VECTOR     64
#define WIDEST     4
#define ROWS(v)    ((v) == 4 ? 6 : 8)
#define KERNEL     cpu_kernel_avx512
#define STAYS(sum) __asm__("" : "+v"(sum))
#include "impl/cpu/kernel.inc"
