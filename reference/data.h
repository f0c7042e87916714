/* data.h: the generators. Counter-based Philox for everything of our own, MT19937 for the original benchmarks' data.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_DATA_H
#define ASSAY_DATA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11): out = the block of this counter under this key. Pure. */
void assay_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A stream: (seed, stream) name it, the index selects the value; the same on every machine, in any order.
 * `stream` is usually assay_stream_id(): a hash of a case's name and a tensor's id. Pure functions of arguments. */
uint64_t assay_stream_id(const char *name, uint64_t tensor);
uint64_t assay_random_bits(uint64_t seed, uint64_t stream, uint64_t index);
double assay_random_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* [0, 1), 53 bits */
double assay_random_normal(uint64_t seed, uint64_t stream, uint64_t index);  /* N(0, 1), Box-Muller */
/* out[0..count): lo + (hi - lo) u; parallel where it pays. */
void assay_random_fill_uniform(uint64_t seed, uint64_t stream, double lo, double hi, double *out, size_t count);
void assay_random_fill_normal(uint64_t seed, uint64_t stream, double scale, double *out, size_t count);

/* numpy's legacy MT19937: np.random.seed(s), uniform(-1, 1), randint(lo, hi). The state is the caller's. */
typedef struct assay_mt19937 {
    uint32_t word[624];
    int32_t next;
} assay_mt19937;
void assay_mt_seed(assay_mt19937 *g, uint32_t seed);                /* init_genrand */
uint32_t assay_mt_word(assay_mt19937 *g);                           /* tempered, 32 bits */
double assay_mt_double(assay_mt19937 *g);                           /* [0, 1), 53 bits, two words */
float assay_mt_uniform(assay_mt19937 *g);                           /* (float)(-1 + 2 u) */
int32_t assay_mt_randint(assay_mt19937 *g, int32_t lo, int32_t hi); /* hi exclusive, masked rejection */

/* Zipf, exponent 1: P(k) ~ 1/(k+1), k = 0..count-1, by cumulative sums in double. u in [0, 1) -> k.
 * cumulative has count entries and is the caller's. */
void assay_zipf_cumulative(double *cumulative, int32_t count);
int32_t assay_zipf(const double *cumulative, int32_t count, double u);

#ifdef __cplusplus
}
#endif
#endif
