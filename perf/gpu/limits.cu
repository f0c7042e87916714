// limits.cu: what a step of a recurrent kernel is made of on this GPU: hand-over within a cluster, barriers, products,
// tanh. SPDX-License-Identifier: MIT
//
// Not yet run on a GPU. Prints one row a quantity, in nanoseconds and cycles, or as a rate; exit status 77 without a
// device of compute capability 9.0. The rows are those of docs/gpu-limits.md.
#include <cooperative_groups.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cmath>
#include <vector>

namespace cg = cooperative_groups;

enum { ROUNDS = 10000, THREADS = 128, SKIPPED = 77, MOST_BYTES = 1024, MOST_CLUSTER = 16 };

#define CHECK(call) check((call), #call)

static void check(cudaError_t error, const char *call)
{
    if (error == cudaSuccess) return;
    std::fprintf(stderr, "%s: %s\n", call, cudaGetErrorString(error));
    std::exit(1);
}

__device__ static uint32_t shared_address(const void *p)
{
    return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

__device__ static uint32_t remote_address(uint32_t local, unsigned rank)
{
    uint32_t there;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(local), "r"(rank));
    return there;
}

__device__ static void wait_for(uint32_t barrier, uint32_t parity)
{
    uint32_t done = 0;
    while (!done)
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2; selp.u32 "
                     "%0, 1, 0, p; }"
                     : "=r"(done)
                     : "r"(barrier), "r"(parity)
                     : "memory");
}

// Each block sends `bytes` to every block of its cluster and waits for all of theirs: a round of the recurrence without
// its arithmetic. Two buffers by the round's parity: a block is at most one round ahead of its slowest peer.
__global__ static void hand_over(int bytes, int rounds, uint32_t *sink)
{
    __shared__ alignas(16) unsigned char buffer[2][MOST_CLUSTER * MOST_BYTES];
    __shared__ alignas(8) uint64_t barriers[2];
    cg::cluster_group cluster = cg::this_cluster();
    const unsigned rank = cluster.block_rank(), blocks = cluster.num_blocks();
    const int words = bytes / 16;
    uint32_t sum = 0;
    if (threadIdx.x < 2)
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&barriers[threadIdx.x])) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    cluster.sync();
    for (int r = 0; r < rounds; r++) {
        const int half = r & 1;
        const uint32_t parity = (r >> 1) & 1, mine = shared_address(&barriers[half]);
        if (threadIdx.x == 0)
            asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(mine), "r"(bytes * (int)blocks)
                         : "memory");
        for (int k = threadIdx.x; k < words * (int)blocks; k += blockDim.x) {
            const unsigned peer = (rank + k / words) % blocks;
            const uint32_t to = remote_address(shared_address(&buffer[half][(rank * words + k % words) * 16]), peer);
            asm volatile(
                "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %1, %1, %1}, [%2];" ::"r"(
                    to),
                "r"(r), "r"(remote_address(mine, peer))
                : "memory");
        }
        wait_for(mine, parity);
        sum += *reinterpret_cast<volatile uint32_t *>(&buffer[half][(threadIdx.x * 16) % (blocks * bytes)]);
        __syncthreads();
    }
    cluster.sync();
    if (threadIdx.x == 0) sink[blockIdx.x] = sum;
}

__global__ static void cluster_barrier(int rounds)
{
    for (int r = 0; r < rounds; r++)
        cg::this_cluster().sync();
}

// The same barrier in its two halves: arrive, work of `gap` dependent multiply-adds, wait.
__global__ static void split_barrier(int rounds, int gap, float *sink)
{
    float x = static_cast<float>(threadIdx.x);
    for (int r = 0; r < rounds; r++) {
        asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
        for (int k = 0; k < gap; k++)
            x = __fmaf_rn(x, 0.999f, 0.5f);
        asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
    }
    if (x == 1.5f) sink[0] = x;
}

// One warp, each product needs the one before it: latency.
template <bool TF32> __global__ static void chained_products(int rounds, float *sink)
{
    float c[4] = {};
    for (int r = 0; r < rounds; r++) {
        if constexpr (TF32)
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, "
                         "{%0,%1,%2,%3};"
                         : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                         : "r"(0));
        else
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, "
                         "{%0,%1,%2,%3};"
                         : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                         : "r"(0));
    }
    if (c[0] + c[1] + c[2] + c[3] == 1.5f) sink[0] = c[0];
}

// wgmma of 64 x 8 x 16 and 64 x 16 x 16 in bf16 with its first operand in registers, as a recurrent kernel keeps its
// weights; 4 in a group, each group waited for.
template <int COLUMNS> __global__ static void __launch_bounds__(128) register_products(int rounds, float *sink)
{
    enum { GROUP = 4 };
    __shared__ alignas(128) unsigned char panel[2048];
    float c[8] = {};
    for (int k = threadIdx.x; k < 512; k += blockDim.x)
        reinterpret_cast<uint32_t *>(panel)[k] = 0;
    __syncthreads();
    asm volatile("fence.proxy.async;" ::: "memory");
    const uint64_t b = (static_cast<uint64_t>(shared_address(panel)) & 0x3ffff) >> 4 |
                       static_cast<uint64_t>(128 >> 4) << 16 | static_cast<uint64_t>(256 >> 4) << 32;
    for (int r = 0; r < rounds; r++) {
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
        for (int k = 0; k < GROUP; k++) {
            if constexpr (COLUMNS == 8)
                asm volatile(
                    "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0,%1,%2,%3}, {%4,%4,%4,%4}, %5, 1, 1, "
                    "1, 0;"
                    : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                    : "r"(0), "l"(b));
            else
                asm volatile("wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7}, "
                             "{%8,%8,%8,%8}, %9, 1, 1, 1, 0;"
                             : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]),
                               "+f"(c[7])
                             : "r"(0), "l"(b));
        }
        asm volatile("wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;" ::: "memory");
    }
    float sum = 0;
    for (int k = 0; k < 8; k++)
        sum += c[k];
    if (sum == 1.5f) sink[0] = sum;
}

__global__ static void grid_barrier(int rounds)
{
    for (int r = 0; r < rounds; r++)
        cg::this_grid().sync();
}

// A word through L2 from block 0 to block 1 and back.
__global__ static void through_l2(int rounds, volatile uint32_t *flags)
{
    for (int r = 1; r <= rounds; r++) {
        if (blockIdx.x == 0) flags[0] = r;
        while (flags[blockIdx.x == 0 ? 32 : 0] < (uint32_t)r)
            ;
        if (blockIdx.x == 1) flags[32] = r;
    }
}

// Independent products of 16 x 8 x 16 (bf16) or 16 x 8 x 8 (tf32) in each warp.
template <bool TF32> __global__ static void products(int rounds, float *sink)
{
    enum { CHAINS = 4 };
    float c[CHAINS][4] = {};
    const uint32_t a = threadIdx.x, b = threadIdx.x + 1;
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int k = 0; k < CHAINS; k++) {
            if constexpr (TF32)
                asm volatile(
                    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%5,%5}, "
                    "{%0,%1,%2,%3};"
                    : "+f"(c[k][0]), "+f"(c[k][1]), "+f"(c[k][2]), "+f"(c[k][3])
                    : "r"(a), "r"(b));
            else
                asm volatile(
                    "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%5,%5}, "
                    "{%0,%1,%2,%3};"
                    : "+f"(c[k][0]), "+f"(c[k][1]), "+f"(c[k][2]), "+f"(c[k][3])
                    : "r"(a), "r"(b));
        }
    if (c[0][0] + c[1][1] + c[2][2] + c[3][3] == 1.5f) sink[0] = c[0][0];
}

__global__ static void multiply_adds(int rounds, float *sink)
{
    enum { CHAINS = 8 };
    float x[CHAINS];
    for (int k = 0; k < CHAINS; k++)
        x[k] = (float)(threadIdx.x + k);
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int k = 0; k < CHAINS; k++)
            x[k] = __fmaf_rn(x[k], 0.999f, 0.5f);
    float sum = 0;
    for (int k = 0; k < CHAINS; k++)
        sum += x[k];
    if (sum == 1.5f) sink[0] = sum;
}

__global__ static void approximate(const float *x, float *y, int n)
{
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) asm volatile("tanh.approx.f32 %0, %1;" : "=f"(y[k]) : "f"(x[k]));
}

struct machine {
    int clusters, sms, khz;
};

template <typename F> static double seconds_of(F launch)
{
    cudaEvent_t start, stop;
    float ms = 0, best = 0;
    CHECK(cudaEventCreate(&start));
    CHECK(cudaEventCreate(&stop));
    for (int k = 0; k < 5; k++) { // the first one warms up
        CHECK(cudaEventRecord(start));
        launch();
        CHECK(cudaGetLastError());
        CHECK(cudaEventRecord(stop));
        CHECK(cudaEventSynchronize(stop));
        CHECK(cudaEventElapsedTime(&ms, start, stop));
        if (k == 1 || (k > 1 && ms < best)) best = ms;
    }
    CHECK(cudaEventDestroy(start));
    CHECK(cudaEventDestroy(stop));
    return best * 1e-3;
}

static void row(const machine &m, const char *what, int size, double seconds)
{
    std::printf("%-44s %6d  %9.1f ns  %9.0f cycles at %d MHz\n", what, size, seconds / ROUNDS * 1e9,
                seconds / ROUNDS * m.khz * 1e3, m.khz / 1000);
}

template <typename... Arguments>
static void launch_cluster(void (*kernel)(Arguments...), int blocks, int cluster, Arguments... arguments)
{
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {(unsigned)cluster, 1, 1};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(THREADS);
    config.attrs = &attribute;
    config.numAttrs = 1;
    if (cluster > 8) CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
    CHECK(cudaLaunchKernelEx(&config, kernel, arguments...));
}

static void clusters(const machine &m, uint32_t *sink)
{
    for (int p : {2, 4, 8, 16}) {
        char what[64];
        std::snprintf(what, sizeof what, "cluster.sync of %d blocks", p);
        row(m, what, p, seconds_of([&] { launch_cluster(cluster_barrier, p, p, (int)ROUNDS); }));
        for (int gap : {0, 64}) {
            std::snprintf(what, sizeof what, "arrive and wait of %d blocks, work between", p);
            row(m, what, gap, seconds_of([&] {
                    launch_cluster(split_barrier, p, p, (int)ROUNDS, gap, reinterpret_cast<float *>(sink));
                }));
        }
        for (int bytes : {64, 320, 640}) {
            std::snprintf(what, sizeof what, "hand-over in a cluster of %d, bytes a peer", p);
            row(m, what, bytes, seconds_of([&] { launch_cluster(hand_over, p, p, bytes, (int)ROUNDS, sink); }));
        }
    }
}

static void residency()
{
    for (int p : {8, 10, 16}) {
        cudaLaunchConfig_t config = {};
        cudaLaunchAttribute attribute = {};
        int count = 0;
        attribute.id = cudaLaunchAttributeClusterDimension;
        attribute.val.clusterDim = {(unsigned)p, 1, 1};
        config.gridDim = dim3(p * 64);
        config.blockDim = dim3(256);
        config.dynamicSmemBytes = 200 << 10;
        config.attrs = &attribute;
        config.numAttrs = 1;
        cudaFuncSetAttribute(cluster_barrier, cudaFuncAttributeMaxDynamicSharedMemorySize, 200 << 10);
        cudaFuncSetAttribute(cluster_barrier, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
        cudaError_t error = cudaOccupancyMaxActiveClusters(&count, cluster_barrier, &config);
        std::printf("%-44s %6d  %9d %s\n", "clusters at once with 200 KiB a block, size", p, count,
                    cudaGetErrorName(error));
        cudaGetLastError();
    }
}

static void barriers(const machine &m, uint32_t *flags)
{
    int rounds = ROUNDS;
    void *arguments[] = {&rounds};
    row(m, "grid.sync of one block an SM", m.sms, seconds_of([&] {
            CHECK(cudaLaunchCooperativeKernel((void *)grid_barrier, dim3(m.sms), dim3(THREADS), arguments, 0, nullptr));
        }));
    row(m, "a word through L2 and back", 2, seconds_of([&] {
            CHECK(cudaMemset(flags, 0, 64 * sizeof *flags));
            through_l2<<<2, 1>>>(rounds, flags);
        }));
}

static void rates(const machine &m, float *sink)
{
    const int blocks = 4 * m.sms, threads = 256, warps = blocks * threads / 32;
    const double bf16 = seconds_of([&] { products<false><<<blocks, threads>>>(ROUNDS, sink); });
    const double tf32 = seconds_of([&] { products<true><<<blocks, threads>>>(ROUNDS, sink); });
    const double fma = seconds_of([&] { multiply_adds<<<blocks, threads>>>(ROUNDS, sink); });
    std::printf("%-52s %9.1f TFLOP/s\n", "mma.sync m16n8k16 bf16",
                4. * ROUNDS * warps * 2 * 16 * 8 * 16 / bf16 * 1e-12);
    std::printf("%-52s %9.1f TFLOP/s\n", "mma.sync m16n8k8 tf32", 4. * ROUNDS * warps * 2 * 16 * 8 * 8 / tf32 * 1e-12);
    std::printf("%-52s %9.1f TFLOP/s\n", "fp32 multiply-adds", 8. * ROUNDS * blocks * threads * 2 / fma * 1e-12);
}

static void latencies(const machine &m, float *sink)
{
    row(m, "mma.sync m16n8k16 bf16, one after the other", 1,
        seconds_of([&] { chained_products<false><<<1, 32>>>(ROUNDS, sink); }));
    row(m, "mma.sync m16n8k8 tf32, one after the other", 1,
        seconds_of([&] { chained_products<true><<<1, 32>>>(ROUNDS, sink); }));
    row(m, "4 wgmma m64n8k16, A in registers, and a wait", 8,
        seconds_of([&] { register_products<8><<<1, 128>>>(ROUNDS, sink); }));
    row(m, "4 wgmma m64n16k16, A in registers, and a wait", 16,
        seconds_of([&] { register_products<16><<<1, 128>>>(ROUNDS, sink); }));
}

static void tanh_error()
{
    enum { COUNT = 1 << 20 };
    std::vector<float> x(COUNT), y(COUNT);
    float *device = nullptr;
    double worst = 0, at = 0;
    for (int k = 0; k < COUNT; k++)
        x[k] = std::exp2f(-20 + 24 * (float)k / COUNT); // 1e-6 .. 16
    CHECK(cudaMalloc(&device, 2 * COUNT * sizeof(float)));
    CHECK(cudaMemcpy(device, x.data(), COUNT * sizeof(float), cudaMemcpyHostToDevice));
    approximate<<<COUNT / 256, 256>>>(device, device + COUNT, COUNT);
    CHECK(cudaMemcpy(y.data(), device + COUNT, COUNT * sizeof(float), cudaMemcpyDeviceToHost));
    for (int k = 0; k < COUNT; k++) {
        const double truth = std::tanh((double)x[k]), error = std::fabs(y[k] - truth) / truth;
        if (!(error <= worst)) {
            worst = error;
            at = x[k];
        }
    }
    std::printf("%-52s %9.3g at %g\n", "tanh.approx.f32, worst relative error", worst, at);
    CHECK(cudaFree(device));
}

int main()
{
    machine m = {};
    int count = 0, major = 0;
    uint32_t *sink = nullptr;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        std::printf("limits: no GPU\n");
        return SKIPPED;
    }
    CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    if (major != 9) {
        std::printf("limits: a GPU of compute capability %d, 9 expected\n", major);
        return SKIPPED;
    }
    CHECK(cudaDeviceGetAttribute(&m.sms, cudaDevAttrMultiProcessorCount, 0));
    CHECK(cudaDeviceGetAttribute(&m.khz, cudaDevAttrClockRate, 0));
    CHECK(cudaMalloc(&sink, 4096 * sizeof *sink));
    clusters(m, sink);
    residency();
    barriers(m, sink);
    rates(m, reinterpret_cast<float *>(sink));
    latencies(m, reinterpret_cast<float *>(sink));
    tanh_error();
    CHECK(cudaFree(sink));
    return 0;
}
