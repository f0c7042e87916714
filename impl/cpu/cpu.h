/* cpu.h: what the parts of `cpu` share.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CPU_CPU_H
#define ASSAY_CPU_CPU_H

#include "impl/common/stack/stack.h"
#include "impl/cpu/kernel.h"

typedef struct cpu_products {
    cpu_kernel *kernel, *of_pairs; /* fp32; bf16, NULL where there is none */
    const cpu_cells *cells;
    int tile; /* columns: cpu_kernel_tile() */
} cpu_products;

/* Hidden units of a panel: with all gates of a unit side by side as many columns as a tile has, or nearly. */
int cpu_units(const assay_problem *p);

/* ---- packed parameters ----
 * W (inputs, G * units) and R (S, G * units) of one panel after the other, transposed, biases and peepholes (G *
 * units), in strips of columns as wide as the kernel's tiles (cpu_pitch()): a gate's units are neighbours, units beyond
 * H are zero. Gates stand in the canonical order, but for W of a GRU that resets after the product: n r z, as its
 * product fills them in. The products in bf16 have AVX-512, and so one strip. A projection is made of panels (H, 16) of
 * its rows. Everything else, and the order of parameters, is as layout.h says.
 */
void cpu_layout_make(const assay_problem *p, assay_host_layout *out);
/* As assay_host_pack() and assay_host_unpack(). */
assay_status cpu_pack(const assay_problem *p, const assay_host_layout *l, const assay_args *args);
void cpu_unpack(const assay_problem *p, const assay_host_layout *l, const assay_args *args);

extern const stack_ops cpu_ops, cpu_ops_bf16;
/* The passes in this assay_format, which supports() has said yes to. */
const stack_ops *cpu_ops_of(int format);

#endif
