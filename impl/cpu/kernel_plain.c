/* kernel_plain.c: 16 registers of 4 numbers, as SSE2 and others have them: tiles of 6 x 8.
 * SPDX-License-Identifier: MIT */
#define VECTOR  16
#define WIDEST  2
#define ROWS(v) ((v) == 2 ? 6 : 8)
#define KERNEL  cpu_kernel_plain
#define STAYS(sum)
#include "impl/cpu/kernel.inc"

#define CELLS                  cpu_cells_plain
#define AT_LEAST(low, x)       WHERE_LESS(x, low, low, x)
#define AT_MOST(high, x)       WHERE_LESS(high, x, high, x)
#define WHERE_LESS(x, y, a, b) ((vector)(((words)(a) & ((x) < (y))) | ((words)(b) & ~((x) < (y)))))
#include "impl/cpu/cells.inc"
