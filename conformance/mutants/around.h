/* around.h: the table of the ABI around an honest implementation: what a wrapper does not change goes through to it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MUTANTS_AROUND_H
#define ASSAY_MUTANTS_AROUND_H

#include "impl/impl.h"

/* What the harness gets as a plan begins with this. */
typedef struct around {
    assay_plan *honest;
    assay_problem p;
    assay_sizes sizes; /* as the harness was told */
} around;

/* What a wrapper changes; NULL = nothing. Calls get the plan as the ABI does, here as its beginning. */
typedef struct around_layer {
    const assay_impl *(*honest)(void);
    const char *name;
    size_t plan_bytes; /* of the wrapper's own struct, which begins with an `around`; filled with zeros */
    assay_status (*open)(const assay_open_args *args, assay_ctx **out);
    assay_status (*supports)(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why);
    assay_status (*made)(around *plan, assay_sizes *sizes); /* after an honest plan; may change the sizes */
    void (*gone)(around *plan); /* before the honest plan goes, also where made() failed: frees what the struct owns */
    assay_status (*pack)(around *plan, const assay_args *args, assay_stream stream);
    assay_status (*run)(around *plan, assay_pass pass, const assay_args *args, assay_stream stream);
    assay_status (*unpack)(around *plan, const assay_args *args, assay_stream stream);
} around_layer;

/* Each wrapper defines its own, and its entry point returns around_entry(). */
extern const around_layer around_mine;
const assay_impl *around_entry(void);

#endif
