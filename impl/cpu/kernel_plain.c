/* kernel_plain.c: 16 registers of 4 numbers, as SSE2 and others have them: tiles of 6 x 8.
 * SPDX-License-Identifier: MIT */
#define VECTOR  16
#define WIDEST  2
#define ROWS(v) ((v) == 2 ? 6 : 8)
#define KERNEL  cpu_kernel_plain
#define STAYS(sum)
#include "impl/cpu/kernel.inc"
