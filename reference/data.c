/* data.c: Philox 4x32-10, numpy's legacy MT19937 and Zipf's law: every number that goes into a problem.
 * SPDX-License-Identifier: MIT
 *
 * All of it gives the same bits on every machine: compiled without contraction, and the logarithm and cosine of
 * Box-Muller are polynomials of our own, because those of a C library differ in the last bit between machines. */
#include "reference/data.h"

#include <math.h>
#include <string.h>

/* Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11: ten rounds, multipliers and Weyl constants. */
void assay_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = (uint64_t)UINT32_C(0xD2511F53) * c0, p1 = (uint64_t)UINT32_C(0xCD9E8D57) * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* FNV-1a over the name, then the finaliser of SplitMix64 over the tensor, so that neighbours share no bits. */
uint64_t assay_stream_id(const char *name, uint64_t tensor)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name; ++name)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    hash += (tensor + 1) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 31;
}

/* The block of one index: counter (index, stream), key seed. */
static void block(uint64_t seed, uint64_t stream, uint64_t index, uint64_t out[2])
{
    const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t word[4];
    assay_philox(counter, key, word);
    out[0] = word[0] | (uint64_t)word[1] << 32;
    out[1] = word[2] | (uint64_t)word[3] << 32;
}

static double unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

uint64_t assay_random_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t bits[2];
    block(seed, stream, index, bits);
    return bits[0];
}

double assay_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return unit(assay_random_bits(seed, stream, index));
}

/* ln x, x in (0, 1]: x = 2^e m, ln m = 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.172: the term s^23/23 is 1e-19. */
static double log_of(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        --e;
    }
    const double s = (m - 1) / (m + 1), s2 = s * s;
    double sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * s2 + 1.0 / k;
    return e * 0.69314718055994531 + 2 * s * sum;
}

/* cos(2 pi u), u in [0, 1): an eighth of a turn at a time by Taylor's series, to 1e-16. */
static double cos_of_turn(double u)
{
    const double eighths = floor(u * 8 + 1), quarter = floor(eighths / 2); /* nearest quarter turn, 0 .. 4 */
    const double x = (u - quarter / 4) * 6.2831853071795865, x2 = x * x;   /* |x| <= pi/4 */
    double cosine = 1, sine = 1;
    for (int k = 9; k >= 1; --k) {
        cosine = 1 - cosine * x2 / ((2 * k - 1) * (2 * k));
        sine = 1 - sine * x2 / ((2 * k) * (2 * k + 1));
    }
    const int q = (int)quarter & 3;
    return q == 0 ? cosine : q == 1 ? -x * sine : q == 2 ? -cosine : x * sine;
}

double assay_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t bits[2];
    block(seed, stream, index, bits);
    return sqrt(-2 * log_of(1 - unit(bits[0]))) * cos_of_turn(unit(bits[1]));
}

void assay_random_fill_uniform(uint64_t seed, uint64_t stream, double lo, double hi, double *out, size_t count)
{
#pragma omp parallel for schedule(static) if (count > 65536)
    for (size_t i = 0; i < count; ++i)
        out[i] = lo + (hi - lo) * assay_random_uniform(seed, stream, i);
}

void assay_random_fill_normal(uint64_t seed, uint64_t stream, double scale, double *out, size_t count)
{
#pragma omp parallel for schedule(static) if (count > 65536)
    for (size_t i = 0; i < count; ++i)
        out[i] = scale * assay_random_normal(seed, stream, i);
}

/* Matsumoto & Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998) 3; init_genrand is their initialisation of 2002. */
void assay_mt_seed(assay_mt19937 *g, uint32_t seed)
{
    g->word[0] = seed;
    for (uint32_t i = 1; i < 624; ++i)
        g->word[i] = UINT32_C(1812433253) * (g->word[i - 1] ^ g->word[i - 1] >> 30) + i;
    g->next = 624;
}

uint32_t assay_mt_word(assay_mt19937 *g)
{
    if (g->next == 624) {
        for (int i = 0; i < 624; ++i) {
            const uint32_t y = (g->word[i] & UINT32_C(0x80000000)) | (g->word[(i + 1) % 624] & UINT32_C(0x7fffffff));
            g->word[i] = g->word[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? UINT32_C(0x9908b0df) : 0);
        }
        g->next = 0;
    }
    uint32_t y = g->word[g->next++];
    y ^= y >> 11;
    y ^= y << 7 & UINT32_C(0x9d2c5680);
    y ^= y << 15 & UINT32_C(0xefc60000);
    return y ^ y >> 18;
}

double assay_mt_double(assay_mt19937 *g)
{
    const uint32_t a = assay_mt_word(g) >> 5, b = assay_mt_word(g) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

float assay_mt_uniform(assay_mt19937 *g)
{
    return (float)(-1 + 2 * assay_mt_double(g));
}

int32_t assay_mt_randint(assay_mt19937 *g, int32_t lo, int32_t hi)
{
    const uint32_t range = (uint32_t)hi - 1 - (uint32_t)lo;
    if (range == 0) return lo; /* numpy draws nothing then */
    uint32_t mask = range, v;
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do {
        v = assay_mt_word(g) & mask;
    } while (v > range);
    return (int32_t)((uint32_t)lo + v);
}

void assay_zipf_cumulative(double *cumulative, int32_t count)
{
    double sum = 0;
    for (int32_t k = 0; k < count; ++k)
        cumulative[k] = sum += 1.0 / (k + 1.0);
}

/* The smallest k with cumulative[k] > u * total (docs/workloads.md 6). */
int32_t assay_zipf(const double *cumulative, int32_t count, double u)
{
    const double at = u * cumulative[count - 1];
    int32_t low = 0, high = count - 1;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (cumulative[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
