/* thread.hpp: what an emulated thread can do: the portable twin of what device.hpp spells in CUDA.
 * SPDX-License-Identifier: MIT
 *
 * All of these are called by kernels, on a fiber. `word` counts 4-byte words from the start of a block's shared memory;
 * `rank` is that of a block in its cluster. */
#ifndef ASSAY_CUDA_THREAD_HPP
#define ASSAY_CUDA_THREAD_HPP

#include <stdint.h>
#include <string.h>

namespace emulator
{

struct position {
    uint32_t thread, threads;
    uint32_t block[3], blocks[3];
    uint32_t rank, ranks; /* of the block in its cluster */
};
const position &here();

void block_barrier();
void cluster_arrive();
void cluster_wait();

/* Warp operations of the lanes in `mask`, the caller among them. shuffle: the value of lane `source`. */
void warp_barrier(uint32_t mask);
uint32_t warp_shuffle(uint32_t mask, uint32_t value, uint32_t source);
uint32_t warp_ballot(uint32_t mask, bool vote);

/* What tensor cores read, in words of 32 bits: one number of TF32, whose last 13 bits are not looked at, or two of 16
 * bits, the first one below. */
enum class number { tf32, bf16, fp16 };
float value_of(number kind, uint32_t word, uint32_t which);
/* To nearest; ties of TF32 away from zero, of the others to even. */
uint32_t round_tf32(float x);
uint32_t round_bf16(float x);
uint32_t round_fp16(float x);
/* mma.m16n8k8 (TF32) or m16n8k16: c += a b, fragments of 4 numbers, 4 and 2 words a lane; every lane of the warp. The
 * sum of the products and what was there is exact, then cut off toward zero: at most as good as a tensor core. */
void warp_multiply(number kind, float *c, const uint32_t *a, const uint32_t *b);

/* Static shared memory: every thread asks for the same pieces in the same order. */
uint32_t shared_piece(uint32_t words);
/* Where dynamic shared memory begins. */
uint32_t shared_dynamic();
uint32_t shared_load(uint32_t rank, uint32_t word);
void shared_store(uint32_t rank, uint32_t word, uint32_t value);
/* Ends the launch where an access of so many words is not aligned to its size. */
void aligned(uint32_t word, uint32_t words);

/* Memory barriers (mbarrier), two words each. A phase ends when all arrivals are in and no byte is outstanding. */
void mbarrier_init(uint32_t word, uint32_t arrivals);
void mbarrier_arrive(uint32_t rank, uint32_t word, uint32_t expected_bytes);
void mbarrier_wait(uint32_t word, uint32_t parity);
/* st.async: four bytes that arrive some time later, and are counted by the memory barrier beside them when they do. */
void store_async(uint32_t rank, uint32_t word, uint32_t value, uint32_t barrier);

template <class T> uint32_t to_bits(T value)
{
    static_assert(sizeof(T) == 4, "words of 4 bytes");
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

template <class T> T from_bits(uint32_t bits)
{
    static_assert(sizeof(T) == 4, "words of 4 bytes");
    T value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A pointer into shared memory whose every access is seen. */
template <class T> class shared_pointer
{
  public:
    class reference
    {
      public:
        reference(uint32_t rank, uint32_t word) : rank_(rank), word_(word) {}
        operator T() const
        {
            return from_bits<T>(shared_load(rank_, word_));
        }
        T operator=(T value) const
        {
            shared_store(rank_, word_, to_bits(value));
            return value;
        }
        T operator=(const reference &other) const
        {
            return *this = static_cast<T>(other);
        }
        T operator+=(T value) const
        {
            return *this = static_cast<T>(*this) + value;
        }

      private:
        uint32_t rank_, word_;
    };

    shared_pointer(uint32_t rank, uint32_t word) : rank_(rank), word_(word) {}
    template <class I> reference operator[](I index) const
    {
        return reference(rank_, word_ + static_cast<uint32_t>(index) * (sizeof(T) / 4));
    }
    template <class I> shared_pointer operator+(I offset) const
    {
        return shared_pointer(rank_, word_ + static_cast<uint32_t>(offset) * (sizeof(T) / 4));
    }
    shared_pointer on(uint32_t rank) const
    {
        return shared_pointer(rank, word_);
    }
    uint32_t rank() const
    {
        return rank_;
    }
    uint32_t word() const
    {
        return word_;
    }

  private:
    uint32_t rank_, word_;
};

} // namespace emulator

#endif
