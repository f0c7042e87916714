/* stack.h: the recurrent layers of one problem over all steps, forward and backward.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_NAIVE_STACK_H
#define ASSAY_NAIVE_STACK_H

#include "impl/common/host/layout.h"
#include "impl/impl.h"

/* Where things lie, in bytes from the start of their block. */
typedef struct naive_stack {
    const assay_problem *p;
    const assay_host_layout *params;
    int width;       /* of the gates, in units of H */
    int32_t *active; /* (N) samples of the present step; memory of the plan */
    uint64_t y, gates, h, c,
        kept; /* what backward needs: (L, T, N, D*H), (L*D, T, N, width*H), (L*D, T, N, H) twice; end */
    uint64_t rows[8], d_input[2], partial, scratch; /* of the workspace: rows of a step and states; (T, N, D*H)
                                                       twice; a block of gradients; end */
} naive_stack;

/* Fills all but `active` from p and params, which must outlive it. */
void naive_stack_make(const assay_problem *p, const assay_host_layout *params, naive_stack *out);

/* Writes what backward needs to `kept`, and y, hn, cn where args want them. */
void naive_stack_forward(const naive_stack *s, const assay_args *args, char *kept, char *workspace);

/* Gradients of all recurrent parameters are added to args->grads. dy: (T, N, D*H) or NULL; dlast: (N, D*H), a gradient
 * of y at each sample's last step, or NULL. dx (T, N, I), dh0, dc0 are written where not NULL. */
void naive_stack_backward(const naive_stack *s, const assay_args *args, const char *kept, char *workspace,
                          const float *dy, const float *dlast, float *dx);

#endif
