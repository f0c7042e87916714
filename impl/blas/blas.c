/* blas.c: recurrent layers by general matrix products: what a framework without fused kernels can do on a CPU.
 * SPDX-License-Identifier: MIT
 *
 * fp32 and fp64. W x of many steps is one product, and so are dW, dR and dx; the recurrence takes one product a step
 * (cut into pieces that OpenBLAS does not pack, product.inc) and one elementwise pass. The library works on one thread
 * a call, the threads are ours: a context has a team, the batch is cut into slices and each thread takes a slice and a
 * direction through a whole layer, so that nobody waits between steps. Padding is never computed: each slice keeps its
 * valid rows without gaps. The weight gradients of the slices are added up at the end, in a fixed order: results repeat
 * bitwise for a given number of threads. Vectors of exp and tanh are our own (impl/common/host/vecmath.h).
 * Losses, linear layer and optimizer are those of impl/common/host, on the same team.
 *
 * The walk through the steps is impl/common/stack; here are its products (products.inc, product.inc), and behind
 * library.h what depends on the BLAS library: openblas.c, blis.c, mkl.c, each a plugin of its own. */
#include "impl/blas/blas.h"
#include "impl/blas/library.h"
#include "impl/common/host/host.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const blas_library with_small_kernels = {.blocked = 1}, packs_always = {.blocked = 0};

#define WARM        192
#define WARM_ROUNDS 16 /* a thread that wakes late still meets some of the others' */

/* Products by all threads at once. */
static void warm_work(void *arg, int rank, int size)
{
    float *x = (float *)arg + (size_t)rank * WARM * WARM;
    const float *zeros = (float *)arg + (size_t)size * WARM * WARM;
    for (int round = 0; round < WARM_ROUNDS; round++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, WARM, WARM, WARM, 1, zeros, WARM, zeros, WARM, 0, x,
                    WARM);
}

/* The library maps a buffer the first time that so many products run at once: here, not in some later run(). */
static assay_status warm_up(assay_host_team *team)
{
    float *x = calloc((size_t)(assay_host_team_size(team) + 1) * WARM * WARM, sizeof *x);
    if (!x) return ASSAY_NO_MEMORY;
    assay_host_team_run(team, warm_work, x);
    free(x);
    return ASSAY_OK;
}

static void close_ctx(assay_ctx *ctx)
{
    if (ctx) assay_host_team_close(ctx->team);
    free(ctx);
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    assay_ctx *ctx = calloc(1, sizeof *ctx);
    assay_status st = ctx ? assay_host_team_open(args->threads, &ctx->team) : ASSAY_NO_MEMORY;
    blas_library_use_one_thread(); /* its own threads would fight with ours and allocate in each call */
    if (st == ASSAY_OK) st = warm_up(ctx->team);
    if (st != ASSAY_OK) {
        close_ctx(ctx);
        return st;
    }
    ctx->products = blas_library_has_small_kernels() ? &with_small_kernels : &packs_always;
    *out = ctx;
    return ASSAY_OK;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    (void)ctx;
    *declared = (assay_arithmetic){.operand = p->arithmetic,
                                   .accumulate = p->arithmetic,
                                   .store = p->arithmetic,
                                   .deterministic = 1,
                                   .activation_ulp = HOST_ACTIVATION_ULP};
    return assay_host_supports(p, why);
}

#define LEAST 4 /* samples of a slice: with fewer, reading R costs more than the products */

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    const stack_shape shape = {.units = p->h,
                               .grain = 1,
                               .parts = 1,
                               .slices = stack_slices_wanted(p, assay_host_team_size(ctx->team), LEAST)};
    assay_host_layout params;
    assay_host_layout_make(p, &params);
    return stack_plan_make(ctx, p, &shape, &params, p->arithmetic == ASSAY_FP64 ? &blas_ops_f64 : &blas_ops_f32, out,
                           sizes);
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)stream;
    return assay_host_pack(&plan->params, args);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    (void)stream;
    return plan->ops->run(plan, pass, args);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)stream;
    assay_host_unpack(&plan->params, args);
    return ASSAY_OK;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "impl/common/host", .update_by = "impl/common/host"};
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static char version[160]; /* asked of the library that was loaded */
    static const assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
        .name = blas_library_plugin,
        .version = version,
        .place = ASSAY_HOST,
        .open = open_ctx,
        .close = close_ctx,
        .supports = supports,
        .plan = plan_make,
        .plan_free = stack_plan_free,
        .pack = pack,
        .run = run,
        .unpack = unpack,
        .extension = extension,
    };
    snprintf(version, sizeof version, "1, %s", blas_library_version());
    return &self;
}
