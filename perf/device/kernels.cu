// kernels.cu: work whose amount is known, to see how fast a device does it: multiply-adds, products of tensor cores, a
// copy. SPDX-License-Identifier: MIT
//
// Not yet run on a GPU. perf/device/roof.c launches them by name through the driver; the first parameter of each is its
// number of rounds. On an architecture that lacks an instruction the kernel is empty, and roof.c does not launch it.
// Operands are zeros and small numbers: a roof is what the units can do at most, power left aside.
#include <cstdint>

enum { CHAINS = 8, PRODUCTS = 4, WIDE = 8, PANEL_A = 64 * 32, PANEL_B = 128 * 32 };

// 8 multiply-adds a thread and round.
extern "C" __global__ void device_fma_fp32(int rounds, float *sink)
{
    float x[CHAINS];
    for (int k = 0; k < CHAINS; k++)
        x[k] = static_cast<float>(threadIdx.x + k);
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int k = 0; k < CHAINS; k++)
            x[k] = __fmaf_rn(x[k], 0.999f, 0.5f);
    float sum = 0;
    for (int k = 0; k < CHAINS; k++)
        sum += x[k];
    if (sum == 1.5f) sink[0] = sum;
}

// 4 products of 16 x 8 x 8 a warp and round.
extern "C" __global__ void device_mma_tf32(int rounds, float *sink)
{
#if __CUDA_ARCH__ >= 800
    float c[PRODUCTS][4] = {};
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int k = 0; k < PRODUCTS; k++)
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, "
                         "{%0,%1,%2,%3};"
                         : "+f"(c[k][0]), "+f"(c[k][1]), "+f"(c[k][2]), "+f"(c[k][3])
                         : "r"(0));
    if (c[0][0] + c[1][1] + c[2][2] + c[3][3] == 1.5f) sink[0] = c[0][0];
#endif
}

// 4 products of 16 x 8 x 16 a warp and round.
extern "C" __global__ void device_mma_bf16(int rounds, float *sink)
{
#if __CUDA_ARCH__ >= 800
    float c[PRODUCTS][4] = {};
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int k = 0; k < PRODUCTS; k++)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, "
                         "{%0,%1,%2,%3};"
                         : "+f"(c[k][0]), "+f"(c[k][1]), "+f"(c[k][2]), "+f"(c[k][3])
                         : "r"(0));
    if (c[0][0] + c[1][1] + c[2][2] + c[3][3] == 1.5f) sink[0] = c[0][0];
#endif
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
// Shared memory as wgmma reads it without swizzle: core matrices of 8 rows of 16 bytes, the next in k 128 bytes
// further, the next 8 rows 256. PTX ISA, "Matrix descriptor".
__device__ static uint64_t panel(const void *p)
{
    const uint64_t at = __cvta_generic_to_shared(p);
    return (at & 0x3ffff) >> 4 | static_cast<uint64_t>(128 >> 4) << 16 | static_cast<uint64_t>(256 >> 4) << 32;
}

#define REGISTERS                                                                                                      \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                                           \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "                                 \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                                 \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define ACCUMULATORS                                                                                                   \
    "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]), "+f"(c[8]),        \
        "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15]), "+f"(c[16]),         \
        "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]), "+f"(c[21]), "+f"(c[22]), "+f"(c[23]), "+f"(c[24]),        \
        "+f"(c[25]), "+f"(c[26]), "+f"(c[27]), "+f"(c[28]), "+f"(c[29]), "+f"(c[30]), "+f"(c[31]), "+f"(c[32]),        \
        "+f"(c[33]), "+f"(c[34]), "+f"(c[35]), "+f"(c[36]), "+f"(c[37]), "+f"(c[38]), "+f"(c[39]), "+f"(c[40]),        \
        "+f"(c[41]), "+f"(c[42]), "+f"(c[43]), "+f"(c[44]), "+f"(c[45]), "+f"(c[46]), "+f"(c[47]), "+f"(c[48]),        \
        "+f"(c[49]), "+f"(c[50]), "+f"(c[51]), "+f"(c[52]), "+f"(c[53]), "+f"(c[54]), "+f"(c[55]), "+f"(c[56]),        \
        "+f"(c[57]), "+f"(c[58]), "+f"(c[59]), "+f"(c[60]), "+f"(c[61]), "+f"(c[62]), "+f"(c[63])

#define WIDE_PRODUCT(shape, tail)                                                                                      \
    asm volatile("wgmma.mma_async.sync.aligned." shape " {" REGISTERS "}, %64, %65, 1, 1, 1" tail ";"                  \
                 : ACCUMULATORS                                                                                        \
                 : "l"(panel(a)), "l"(panel(b)))

template <bool TF32> __device__ static void wide_products(int rounds, float *sink)
{
    __shared__ alignas(128) unsigned char a[PANEL_A], b[PANEL_B];
    float c[64] = {};
    for (int k = threadIdx.x; k < PANEL_A / 4; k += blockDim.x)
        reinterpret_cast<uint32_t *>(a)[k] = 0;
    for (int k = threadIdx.x; k < PANEL_B / 4; k += blockDim.x)
        reinterpret_cast<uint32_t *>(b)[k] = 0;
    __syncthreads();
    asm volatile("fence.proxy.async;" ::: "memory");
    for (int r = 0; r < rounds; r++) {
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            if constexpr (TF32)
                WIDE_PRODUCT("m64n128k8.f32.tf32.tf32", "");
            else
                WIDE_PRODUCT("m64n128k16.f32.bf16.bf16", ", 0, 0");
        }
        asm volatile("wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;" ::: "memory");
    }
    float sum = 0;
    for (int k = 0; k < 64; k++)
        sum += c[k];
    if (sum == 1.5f) sink[0] = sum;
}
#endif

// 8 products of 64 x 128 x 8 a warpgroup and round.
extern "C" __global__ void __launch_bounds__(256) device_wgmma_tf32(int rounds, float *sink)
{
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    wide_products<true>(rounds, sink);
#endif
}

// 8 products of 64 x 128 x 16 a warpgroup and round.
extern "C" __global__ void __launch_bounds__(256) device_wgmma_bf16(int rounds, float *sink)
{
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    wide_products<false>(rounds, sink);
#endif
}

// 16 bytes read and 16 written a thread and round; from and to hold `rounds` times as many bytes as all threads move.
extern "C" __global__ void device_copy(int rounds, const uint4 *from, uint4 *to)
{
    const size_t threads = static_cast<size_t>(gridDim.x) * blockDim.x;
    size_t at = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (int r = 0; r < rounds; r++, at += threads)
        to[at] = from[at];
}
