/* cpu.c: recurrent layers by hand: products and gates in one sweep over panels of units.
 * SPDX-License-Identifier: MIT
 *
 * fp32, and bf16 operands with fp32 sums where the processor multiplies them, in vectors or AMX's tiles. Weights are
 * packed into panels of 16 units with all their gates (panels.c); a step multiplies the inputs and the states of all
 * rows by one panel after the other, and while the sums are in L1 they become gates and states. Threads with enough
 * samples take a slice of the batch, or a direction, each, and wait for nobody; else those of a team share the units of
 * a layer, so that each core's part of R stays in its L2, and meet once a step. dW, dR and dx of many steps are one
 * product each, and so is W x of few rows. Products leave no time to memory: each fetches what the next one reads or
 * writes. Results repeat bitwise for a given number of threads.
 *
 *   kernel.h  the product of a tile, for each instruction set     panels.c      parameters as products read them
 *   cells.inc  gates and states of a panel, for the same          product.inc   products of the linear layer
 *   products.inc  the products of a lane                          ..._bf16      the same with operands in bf16
 * The walk through the steps is impl/common/stack; losses, linear layer and optimizer are impl/common/host. */
#include "impl/cpu/cpu.h"
#include "impl/cpu/kernel_bf16.h"
#include "impl/common/host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_ROWS  4  /* samples of a slice */
#define LEAST_UNITS 64 /* of a thread: with less to do, meeting in each step costs more than it gains */
/* From so many samples a thread on, reading all weights of a layer, if they are no more than so many bytes, costs no
 * more than meeting; and where a thread has to wait for its core, or shares it, the others don't wait with it. */
#define ALONE_ROWS  32
#define ALONE_BYTES ((int64_t)2 << 20)

static void close_ctx(assay_ctx *ctx)
{
    if (!ctx) return;
    assay_host_team_close(ctx->team);
    free((void *)ctx->products);
    free(ctx);
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    const char *name;
    assay_ctx *ctx = calloc(1, sizeof *ctx);
    cpu_products *products = calloc(1, sizeof *products);
    if (!ctx || !products || assay_host_team_open(args->threads, &ctx->team) != ASSAY_OK) {
        free(products);
        close_ctx(ctx);
        return ASSAY_NO_MEMORY;
    }
    products->kernel = cpu_kernel_best(&name);
    products->of_pairs = cpu_kernel_of_pairs();
    products->cells = cpu_cells_best();
    products->tile = cpu_kernel_tile();
    ctx->products = products;
    *out = ctx;
    return ASSAY_OK;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    assay_problem in_floats = *p; /* tensors of narrow formats are those of fp32 */
    (void)ctx;
    *declared = (assay_arithmetic){.operand = p->arithmetic == ASSAY_BF16 ? ASSAY_BF16 : ASSAY_FP32,
                                   .accumulate = ASSAY_FP32,
                                   .store = ASSAY_FP32,
                                   .deterministic = 1,
                                   .activation_ulp = HOST_ACTIVATION_ULP};
    if (p->arithmetic != ASSAY_FP32 && p->arithmetic != ASSAY_BF16) {
        *why = "computes in fp32 or bf16 only";
        return ASSAY_UNSUPPORTED;
    }
    if (p->arithmetic == ASSAY_BF16 && !cpu_has_bf16()) {
        *why = "bf16 needs a processor with AVX512-BF16";
        return ASSAY_UNSUPPORTED;
    }
    in_floats.arithmetic = ASSAY_FP32;
    return assay_host_supports(&in_floats, why);
}

/* Do so many slices, in each direction, keep all threads at work well enough? */
static int each_alone(const assay_problem *p, int threads, int slices)
{
    const int64_t below = p->layers > 1 ? assay_output_width(p) : 0, in = p->i > below ? p->i : below;
    const int64_t weights = (in + assay_state_width(p)) * assay_gates(p->dialect.cell) * p->h;
    return slices * p->directions == threads && p->n >= ALONE_ROWS * slices &&
           weights * (int64_t)sizeof(float) <= ALONE_BYTES;
}

static stack_shape shape_of(const assay_problem *p, int threads)
{
    const int slices = stack_slices_wanted(p, threads, ALONE_ROWS), alone = each_alone(p, threads, slices);
    stack_shape shape = {.units = cpu_units(p), .grain = CPU_GRAIN, .parts = 1, .slices = slices};
    if (!alone && p->h >= LEAST_UNITS * threads)
        shape.parts = threads, shape.slices = 1;
    else if (!alone)
        shape.slices = stack_slices_wanted(p, threads, LEAST_ROWS);
    return shape;
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    const stack_shape shape = shape_of(p, assay_host_team_size(ctx->team));
    assay_host_layout params;
    cpu_layout_make(p, &params);
    return stack_plan_make(ctx, p, &shape, &params, cpu_ops_of(p->arithmetic), out, sizes);
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)stream;
    return cpu_pack(&plan->p, &plan->params, args);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    (void)stream;
    return plan->ops->run(plan, pass, args);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)stream;
    cpu_unpack(&plan->p, &plan->params, args);
    return ASSAY_OK;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "impl/common/host", .update_by = "impl/common/host"};
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static char version[64];
    static const assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
        .name = "cpu",
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
    const char *name;
    cpu_kernel_best(&name);
    snprintf(version, sizeof version, "1, %s%s", name, cpu_has_amx() ? ", AMX" : "");
    return &self;
}
