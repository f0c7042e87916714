/* kernel_avx2.c: 16 registers of 8 numbers: tiles of 6 x 16.
 * SPDX-License-Identifier: MIT */
#define VECTOR     32
#define WIDEST     2
#define ROWS(v)    ((v) == 2 ? 6 : 8)
#define KERNEL     cpu_kernel_avx2
#define STAYS(sum) __asm__("" : "+v"(sum))
#include "impl/cpu/kernel.inc"
