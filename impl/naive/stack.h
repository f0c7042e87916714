/* stack.h: the recurrent layers of one problem over all steps, forward and backward.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_NAIVE_STACK_H
#define ASSAY_NAIVE_STACK_H

#include "impl/common/host/layout.h"
#include "impl/impl.h"

enum { NAIVE_ROWS = 9 };

/* Where things lie, in bytes from the start of their block. */
typedef struct naive_stack {
    const assay_problem *p;
    const assay_host_layout *params;
    int width;       /* of the gates, in units of H */
    int32_t *active; /* (N) samples of the present step; memory of the plan */
    /* What backward needs: what each direction made (L, T, N, D*S); what is read of it (L, T, N, Y), the same where
     * nothing stands between; gates (L*D, T, N, width*H); states before each step (L*D, T, N, S), (L*D, T, N, H); end.
     * (T, N) is (N, T) in batch-major, but for gates and states. */
    uint64_t part, y, gates, h, c, kept;
    /* Of the workspace: rows of a step and states; gradients (T, N, Y) twice, (T, N, D*S); a block of gradients of the
     * parameters; end. */
    uint64_t rows[NAIVE_ROWS], d_input[2], d_part, partial, scratch;
} naive_stack;

/* Fills all but `active` from p and params, which must outlive it. */
void naive_stack_make(const assay_problem *p, const assay_host_layout *params, naive_stack *out);

/* Writes what backward needs to `kept`, and y, hn, cn where args want them. */
void naive_stack_forward(const naive_stack *s, const assay_args *args, char *kept, char *workspace);

/* What is given of the gradient of a layer's output. */
typedef struct naive_upstream {
    const float *dy;   /* (T, N, Y), rows `pitch` apart, or NULL */
    int64_t pitch;     /* elements */
    const float *last; /* (N, Y), at each sample's last step, or NULL */
} naive_upstream;

/* Gradients of all recurrent parameters are added to args->grads. dx (T, N, I) in rows as x, dh0, dc0 are written where
 * not NULL. */
void naive_stack_backward(const naive_stack *s, const assay_args *args, const char *kept, char *workspace,
                          const naive_upstream *given, float *dx);

#endif
