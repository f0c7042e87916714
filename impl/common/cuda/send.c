/* send.c: the shapes of launches: how many blocks of how many threads a kernel gets for its sizes.
 * SPDX-License-Identifier: MIT */
#include "impl/common/cuda/plan.h"

void cuda_blocks(queue *q, int kernel, int64_t blocks, uint32_t threads, uint32_t shared, const void *args)
{
    const launch_shape shape = {(uint32_t)blocks, 1, threads, 1, shared};
    if (blocks > 0) queue_launch(q, kernel, &shape, args);
}

static launch_shape over(const queue *q, int64_t count)
{
    const uint32_t threads = count <= 1024 ? 32 : 256;
    const int64_t blocks = (count + threads - 1) / threads, most = queue_width(q);
    return (launch_shape){(uint32_t)(blocks < most ? blocks : most), 1, threads, 1, 0};
}

void cuda_over(queue *q, int kernel, int64_t count, const void *args)
{
    const launch_shape shape = over(q, count);
    if (count > 0) queue_launch(q, kernel, &shape, args);
}

void cuda_over_anew(queue *q, int kernel, int64_t count, const void *args)
{
    const launch_shape shape = over(q, count);
    if (count > 0) queue_launch_anew(q, kernel, &shape, args);
}

#define LARGE 48 /* rows and columns from which a tile of 64 x 64 wastes less than it saves */

void cuda_gemm(queue *q, int32_t format, const gemm_args *a)
{
    static const struct {
        int kernel;
        uint32_t down, across, threads;
    } tiles[] = {{KERNEL_gemm_few, 8, 32, 32},          {KERNEL_gemm_small, 16, 32, 32},
                 {KERNEL_gemm_large, 64, 64, 256},      {KERNEL_gemm_tf32_small, 16, 32, 32},
                 {KERNEL_gemm_tf32_large, 64, 64, 128}, {KERNEL_gemm_bf16_small, 16, 32, 32},
                 {KERNEL_gemm_bf16_large, 64, 64, 128}, {KERNEL_gemm_fp16_small, 16, 32, 32},
                 {KERNEL_gemm_fp16_large, 64, 64, 128}};
    static const int narrow[] = {[ASSAY_TF32] = 3, [ASSAY_BF16] = 5, [ASSAY_FP16] = 7};
    const int large = a->m >= LARGE && a->n >= LARGE;
    const int k = format != ASSAY_FP32 ? narrow[format] + large : large ? 2 : a->m > 8;
    const launch_shape shape = {(uint32_t)((a->m + tiles[k].down - 1) / tiles[k].down),
                                (uint32_t)((a->n + tiles[k].across - 1) / tiles[k].across), tiles[k].threads, 1, 0};
    if (a->m > 0 && a->n > 0) queue_launch(q, tiles[k].kernel, &shape, a);
}

void cuda_column_sums(queue *q, const column_sums_args *a)
{
    cuda_blocks(q, KERNEL_column_sums, (a->columns + 31) / 32, a->rows <= 64 ? 32 : 256, 0, a);
}
