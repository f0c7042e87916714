/* device.hpp: every CUDA intrinsic and PTX instruction that the kernels use, each beside its portable twin.
 * SPDX-License-Identifier: MIT
 *
 * The kernels (*.cu) compile twice: by nvcc for a device, and as C++17 for the emulator. What differs between the two
 * stands in this file and in no other; ci/conventions.sh holds that. Not yet run on a GPU. */
#ifndef ASSAY_CUDA_DEVICE_HPP
#define ASSAY_CUDA_DEVICE_HPP

#include <stdint.h>

#define FULL_WARP 0xffffffffu

/* KERNEL(name, type, threads) { ... } defines a kernel whose one argument is `const type a`, of at most so many threads
 * a block. KERNEL_DECLARE and KERNEL_ADDRESS are for the table of kernels. SHARED(type, name, count) declares a static
 * array, SHARED_BARRIERS of memory barriers, SHARED_DYNAMIC(type, name) the dynamic part; shared<T> points into either.
 * All of them belong at the top of a kernel, where every thread passes once. */
#ifdef __CUDACC__

#define DEVICE                     static __device__ __forceinline__
#define DEVICE_MEMBER              __device__ __forceinline__
#define KERNEL_DECLARE(name, type) extern "C" __global__ void kernel_##name(const __grid_constant__ type a)
#define KERNEL_ADDRESS(name)       reinterpret_cast<const void *>(kernel_##name)
#define KERNEL(name, type, threads)                                                                                    \
    extern "C" __global__ void __launch_bounds__(threads) kernel_##name(const __grid_constant__ type a)
#define SHARED(type, name, count)    __shared__ type name[count]
#define SHARED_BARRIERS(name, count) __shared__ uint64_t name[count]
#define SHARED_DYNAMIC(type, name)                                                                                     \
    extern __shared__ __align__(16) unsigned char dynamic_shared[];                                                    \
    type *const name = reinterpret_cast<type *>(dynamic_shared)

#define UNROLL _Pragma("unroll")

template <class T> using shared = T *;
template <class To, class From> DEVICE shared<To> shared_cast(shared<From> p)
{
    return reinterpret_cast<To *>(p);
}
using shared_barrier = uint64_t *;

DEVICE uint32_t thread_index()
{
    return threadIdx.x;
}
DEVICE uint32_t thread_count()
{
    return blockDim.x;
}
DEVICE uint32_t block_x()
{
    return blockIdx.x;
}
DEVICE uint32_t block_y()
{
    return blockIdx.y;
}
DEVICE uint32_t blocks_x()
{
    return gridDim.x;
}
DEVICE void block_sync()
{
    __syncthreads();
}
DEVICE void warp_sync(uint32_t mask)
{
    __syncwarp(mask);
}
DEVICE float warp_shuffle_xor(uint32_t mask, float value, uint32_t bits)
{
    return __shfl_xor_sync(mask, value, static_cast<int>(bits));
}
DEVICE float warp_shuffle(uint32_t mask, float value, uint32_t lane)
{
    return __shfl_sync(mask, value, static_cast<int>(lane));
}
DEVICE uint32_t warp_ballot(uint32_t mask, bool vote)
{
    return __ballot_sync(mask, vote);
}
DEVICE int32_t bits_of(float x)
{
    return __float_as_int(x);
}
DEVICE float float_of(int32_t bits)
{
    return __int_as_float(bits);
}

/* Operands of a product in words of 32 bits: one of TF32, ties away from zero as its only instruction on every device
 * has them, or two in 16 bits, the first one below, ties to even. */
#if __CUDA_ARCH__ >= 800
DEVICE uint32_t round_tf32(float x)
{
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}
DEVICE uint32_t pack_bf16(float first, float second)
{
    uint32_t bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
    return bits;
}
#define MULTIPLY(name, shape, type)                                                                                    \
    DEVICE void name(float *c, const uint32_t *a, const uint32_t *b)                                                   \
    {                                                                                                                  \
        asm volatile("mma.sync.aligned." shape ".row.col.f32." type "." type ".f32 {%0, %1, %2, %3}, "                 \
                     "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                                   \
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                                  \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                              \
    }
/* c (16, 8) += a b, a fragment each; all lanes of a warp. */
MULTIPLY(multiply_tf32, "m16n8k8", "tf32")
MULTIPLY(multiply_bf16, "m16n8k16", "bf16")
MULTIPLY(multiply_fp16, "m16n8k16", "f16")
#else
#define NO_NARROW_PRODUCTS /* before sm_80: below, by shuffles */
#endif
DEVICE uint32_t pack_fp16(float first, float second)
{
    uint16_t low, high;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(low) : "f"(first));
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(high) : "f"(second));
    return static_cast<uint32_t>(high) << 16 | low;
}
DEVICE float from_fp16(uint32_t bits)
{
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(static_cast<uint16_t>(bits)));
    return x;
}

#if __CUDA_ARCH__ >= 900 || !defined(__CUDA_ARCH__)

DEVICE uint32_t cluster_rank()
{
    uint32_t rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}
DEVICE uint32_t cluster_size()
{
    uint32_t ranks;
    asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(ranks));
    return ranks;
}
DEVICE void cluster_arrive()
{
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
DEVICE void cluster_wait()
{
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}
DEVICE uint32_t shared_address(const void *p)
{
    return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
/* The address in block `rank` of the cluster of what lies at `local` here. */
DEVICE uint32_t mapped(uint32_t local, uint32_t rank)
{
    uint32_t remote;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(local), "r"(rank));
    return remote;
}
DEVICE void barrier_init(shared_barrier bar, uint32_t index, uint32_t arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(bar + index)), "r"(arrivals)
                 : "memory");
}
DEVICE void barrier_init_done()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
DEVICE void barrier_expect(shared_barrier bar, uint32_t index, uint32_t bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(bar + index)), "r"(bytes)
                 : "memory");
}
DEVICE void barrier_arrive_on(shared_barrier bar, uint32_t index, uint32_t rank)
{
    asm volatile(
        "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(mapped(shared_address(bar + index), rank))
        : "memory");
}
DEVICE void barrier_wait(shared_barrier bar, uint32_t index, uint32_t parity)
{
    asm volatile("{\n"
                 ".reg .pred done;\n"
                 "again:\n"
                 "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra again;\n"
                 "}" ::"r"(shared_address(bar + index)),
                 "r"(parity)
                 : "memory");
}
DEVICE void store_async_to(shared<float> to, uint32_t rank, float value, shared_barrier bar, uint32_t index)
{
    asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(
                     mapped(shared_address(to), rank)),
                 "r"(bits_of(value)), "r"(mapped(shared_address(bar + index), rank))
                 : "memory");
}
/* Four of them at once: 16 bytes, whose address is a multiple of that. */
DEVICE void store_four_async_to(shared<float> to, uint32_t rank, const float *value, shared_barrier bar, uint32_t index)
{
    asm volatile(
        "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(
            mapped(shared_address(to), rank)),
        "r"(bits_of(value[0])), "r"(bits_of(value[1])), "r"(bits_of(value[2])), "r"(bits_of(value[3])),
        "r"(mapped(shared_address(bar + index), rank))
        : "memory");
}

#else /* before sm_90 each block is a cluster of its own: a launch of more is refused, and nothing below is reached */

DEVICE uint32_t cluster_rank()
{
    return 0;
}
DEVICE void cluster_arrive() {}
DEVICE void cluster_wait() {}
DEVICE void barrier_init(shared_barrier, uint32_t, uint32_t) {}
DEVICE void barrier_init_done() {}
DEVICE void barrier_expect(shared_barrier, uint32_t, uint32_t)
{
    __trap();
}
DEVICE void barrier_wait(shared_barrier, uint32_t, uint32_t)
{
    __trap();
}
DEVICE void store_four_async_to(shared<float>, uint32_t, const float *, shared_barrier, uint32_t)
{
    __trap();
}

#endif

/* Four numbers whose address is a multiple of 16. */
DEVICE void load_four(float *to, shared<float> from)
{
    const float4 x = *reinterpret_cast<const float4 *>(from);
    to[0] = x.x;
    to[1] = x.y;
    to[2] = x.z;
    to[3] = x.w;
}
DEVICE void store_four(shared<float> to, const float *x)
{
    *reinterpret_cast<float4 *>(to) = make_float4(x[0], x[1], x[2], x[3]);
}

#else /* the emulator */

#include "impl/cuda/emulator/thread.hpp"

#define DEVICE                     static inline
#define DEVICE_MEMBER              inline
#define KERNEL_DECLARE(name, type) extern "C" void kernel_##name(const void *args)
#define KERNEL_ADDRESS(name)       kernel_##name
#define KERNEL(name, type, threads)                                                                                    \
    static void body_##name(const type &a);                                                                            \
    extern "C" void kernel_##name(const void *args);                                                                   \
    extern "C" void kernel_##name(const void *args)                                                                    \
    {                                                                                                                  \
        static_assert(threads % 32 == 0 && threads <= 1024, "threads of a block");                                     \
        body_##name(*static_cast<const type *>(args));                                                                 \
    }                                                                                                                  \
    static void body_##name(const type &a)
#define UNROLL
#define SHARED(type, name, count)                                                                                      \
    const emulator::shared_pointer<type> name(emulator::here().rank, emulator::shared_piece((count) * sizeof(type) / 4))
#define SHARED_BARRIERS(name, count) const uint32_t name = emulator::shared_piece(2 * (count))
#define SHARED_DYNAMIC(type, name)                                                                                     \
    const emulator::shared_pointer<type> name(emulator::here().rank, emulator::shared_dynamic())

template <class T> using shared = emulator::shared_pointer<T>;
template <class To, class From> DEVICE shared<To> shared_cast(shared<From> p)
{
    return shared<To>(p.rank(), p.word());
}
using shared_barrier = uint32_t;

DEVICE uint32_t thread_index()
{
    return emulator::here().thread;
}
DEVICE uint32_t thread_count()
{
    return emulator::here().threads;
}
DEVICE uint32_t block_x()
{
    return emulator::here().block[0];
}
DEVICE uint32_t block_y()
{
    return emulator::here().block[1];
}
DEVICE uint32_t blocks_x()
{
    return emulator::here().blocks[0];
}
DEVICE void block_sync()
{
    emulator::block_barrier();
}
DEVICE void warp_sync(uint32_t mask)
{
    emulator::warp_barrier(mask);
}
DEVICE float warp_shuffle(uint32_t mask, float value, uint32_t lane)
{
    return emulator::from_bits<float>(emulator::warp_shuffle(mask, emulator::to_bits(value), lane));
}
DEVICE float warp_shuffle_xor(uint32_t mask, float value, uint32_t bits)
{
    return warp_shuffle(mask, value, (thread_index() % 32) ^ bits);
}
DEVICE uint32_t warp_ballot(uint32_t mask, bool vote)
{
    return emulator::warp_ballot(mask, vote);
}
DEVICE int32_t bits_of(float x)
{
    return emulator::from_bits<int32_t>(emulator::to_bits(x));
}
DEVICE float float_of(int32_t bits)
{
    return emulator::from_bits<float>(emulator::to_bits(bits));
}
DEVICE uint32_t round_tf32(float x)
{
    return emulator::round_tf32(x);
}
DEVICE uint32_t pack_bf16(float first, float second)
{
    return emulator::round_bf16(second) << 16 | emulator::round_bf16(first);
}
DEVICE uint32_t pack_fp16(float first, float second)
{
    return emulator::round_fp16(second) << 16 | emulator::round_fp16(first);
}
DEVICE float from_fp16(uint32_t bits)
{
    return emulator::value_of(emulator::number::fp16, bits & 0xffff, 0);
}
DEVICE void multiply_tf32(float *c, const uint32_t *a, const uint32_t *b)
{
    emulator::warp_multiply(emulator::number::tf32, c, a, b);
}
DEVICE void multiply_bf16(float *c, const uint32_t *a, const uint32_t *b)
{
    emulator::warp_multiply(emulator::number::bf16, c, a, b);
}
DEVICE void multiply_fp16(float *c, const uint32_t *a, const uint32_t *b)
{
    emulator::warp_multiply(emulator::number::fp16, c, a, b);
}
DEVICE uint32_t cluster_rank()
{
    return emulator::here().rank;
}
DEVICE uint32_t cluster_size()
{
    return emulator::here().ranks;
}
DEVICE void cluster_arrive()
{
    emulator::cluster_arrive();
}
DEVICE void cluster_wait()
{
    emulator::cluster_wait();
}
DEVICE void barrier_init(shared_barrier bar, uint32_t index, uint32_t arrivals)
{
    emulator::mbarrier_init(bar + 2 * index, arrivals);
}
DEVICE void barrier_init_done() {}
DEVICE void barrier_expect(shared_barrier bar, uint32_t index, uint32_t bytes)
{
    emulator::mbarrier_arrive(emulator::here().rank, bar + 2 * index, bytes);
}
DEVICE void barrier_arrive_on(shared_barrier bar, uint32_t index, uint32_t rank)
{
    emulator::mbarrier_arrive(rank, bar + 2 * index, 0);
}
DEVICE void barrier_wait(shared_barrier bar, uint32_t index, uint32_t parity)
{
    emulator::mbarrier_wait(bar + 2 * index, parity);
}
DEVICE void store_async_to(shared<float> to, uint32_t rank, float value, shared_barrier bar, uint32_t index)
{
    emulator::store_async(rank, to.word(), emulator::to_bits(value), bar + 2 * index);
}
DEVICE void store_four_async_to(shared<float> to, uint32_t rank, const float *value, shared_barrier bar, uint32_t index)
{
    emulator::aligned(to.word(), 4);
    for (uint32_t k = 0; k < 4; k++)
        store_async_to(to + k, rank, value[k], bar, index);
}
DEVICE void load_four(float *to, shared<float> from)
{
    emulator::aligned(from.word(), 4);
    for (uint32_t k = 0; k < 4; k++)
        to[k] = from[k];
}
DEVICE void store_four(shared<float> to, const float *x)
{
    emulator::aligned(to.word(), 4);
    for (uint32_t k = 0; k < 4; k++)
        to[k] = x[k];
}

#endif

/* The same products by shuffles and in fp32, for devices whose tensor cores lack the format. */
enum narrow_format { NARROW_TF32, NARROW_BF16, NARROW_FP16 };

DEVICE float narrow_value(narrow_format format, uint32_t word, uint32_t k)
{
    if (format == NARROW_TF32) return float_of(static_cast<int32_t>(word & ~0x1fffu));
    const uint32_t half = k % 2 ? word >> 16 : word & 0xffff;
    return format == NARROW_BF16 ? float_of(static_cast<int32_t>(half << 16)) : from_fp16(half);
}

DEVICE uint32_t word_in(uint32_t word, uint32_t lane)
{
    return static_cast<uint32_t>(bits_of(warp_shuffle(FULL_WARP, float_of(static_cast<int32_t>(word)), lane)));
}

DEVICE void multiply_by_shuffles(narrow_format format, float *c, const uint32_t *a, const uint32_t *b)
{
    const uint32_t each = format == NARROW_TF32 ? 1 : 2, g = thread_index() % 32 / 4, t = thread_index() % 4;
    for (uint32_t word = 0; word < 8; word++) {
        const uint32_t at = word % 4, further = word / 4;
        const uint32_t row = word_in(a[2 * further], 4 * g + at), row8 = word_in(a[2 * further + 1], 4 * g + at);
        const uint32_t column = word_in(b[further], 8 * t + at), next = word_in(b[further], 8 * t + 4 + at);
        for (uint32_t k = 0; k < each; k++) {
            const float x = narrow_value(format, row, k), x8 = narrow_value(format, row8, k);
            const float y = narrow_value(format, column, k), y1 = narrow_value(format, next, k);
            c[0] += x * y;
            c[1] += x * y1;
            c[2] += x8 * y;
            c[3] += x8 * y1;
        }
    }
}

#ifdef NO_NARROW_PRODUCTS
DEVICE uint32_t round_tf32(float x)
{
    const uint32_t bits = static_cast<uint32_t>(bits_of(x));
    return x != x ? bits | 0x400000u : (bits + 0x1000u) & ~0x1fffu;
}
DEVICE uint32_t round_bf16(float x)
{
    const uint32_t bits = static_cast<uint32_t>(bits_of(x));
    return x != x ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}
DEVICE uint32_t pack_bf16(float first, float second)
{
    return round_bf16(second) << 16 | round_bf16(first);
}
DEVICE void multiply_tf32(float *c, const uint32_t *a, const uint32_t *b)
{
    multiply_by_shuffles(NARROW_TF32, c, a, b);
}
DEVICE void multiply_bf16(float *c, const uint32_t *a, const uint32_t *b)
{
    multiply_by_shuffles(NARROW_BF16, c, a, b);
}
DEVICE void multiply_fp16(float *c, const uint32_t *a, const uint32_t *b)
{
    multiply_by_shuffles(NARROW_FP16, c, a, b);
}
#endif

/* This thread's first element, and the step to its next, where a whole grid shares a range. */
DEVICE int64_t grid_first()
{
    return static_cast<int64_t>(block_x()) * thread_count() + thread_index();
}
DEVICE int64_t grid_step()
{
    return static_cast<int64_t>(blocks_x()) * thread_count();
}

#endif
