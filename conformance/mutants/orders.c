/* orders.c: honest variants: naive with sums of products in another order or arithmetic, as authors of kernels write
 * them. SPDX-License-Identifier: MIT
 *
 * Its naive_product() takes the place of naive's own, which the linker then leaves in its archive. */
#include "conformance/mutants/entry.h"
#include "impl/naive/product.h"

#include <math.h>
#include <string.h>

/* Two vectors of k elements, each with the distance of its elements. */
typedef struct pair {
    const float *x, *y;
    int64_t dx, dy, k;
} pair;

static float term(const pair *p, int64_t i)
{
    return p->x[i * p->dx] * p->y[i * p->dy];
}

/* From what is there already: bias, W x and R h become one sum, as where x and h are one vector. */
static float one_chain(const pair *p, float start)
{
    for (int64_t i = 0; i < p->k; i++)
        start += term(p, i);
    return start;
}

/* Products are not rounded: what nvcc makes of a loop unless it is told otherwise. */
static float fused(const pair *p, float start)
{
    float sum = 0;
    for (int64_t i = 0; i < p->k; i++)
        sum = fmaf(p->x[i * p->dx], p->y[i * p->dy], sum);
    return start + sum;
}

/* Kahan: what a sum lost is taken off the next term. */
static float compensated(const pair *p, float start)
{
    float sum = start, lost = 0;
    for (int64_t i = 0; i < p->k; i++) {
        const float wanted = term(p, i) - lost, next = sum + wanted;
        lost = (next - sum) - wanted;
        sum = next;
    }
    return sum;
}

static float half_of(const pair *p, int64_t first, int64_t count)
{
    float sum = term(p, first);
    for (int64_t i = 1; i < count && count <= 2; i++)
        sum += term(p, first + i);
    return count <= 2 ? sum : half_of(p, first, count / 2) + half_of(p, first + count / 2, count - count / 2);
}

static float pairwise(const pair *p, float start)
{
    return p->k > 0 ? start + half_of(p, 0, p->k) : start;
}

/* Term i goes to sum i mod 8; then the sums in a tree, as a vector register is added up. */
static float eight(const pair *p, float start)
{
    float lane[8] = {0};
    for (int64_t i = 0; i < p->k; i++)
        lane[i % 8] += term(p, i);
    for (int width = 4; width > 0; width /= 2)
        for (int q = 0; q < width; q++)
            lane[q] += lane[q + width];
    return start + lane[0];
}

/* Rounded once, when the sum is stored. */
static float in_double(const pair *p, float start)
{
    double sum = start;
    for (int64_t i = 0; i < p->k; i++)
        sum += (double)p->x[i * p->dx] * p->y[i * p->dy];
    return (float)sum;
}

static const struct {
    const char *name;
    float (*add)(const pair *p, float start);
} orders[] = {
    {"sums-one-chain", one_chain}, {"sums-fused", fused}, {"sums-compensated", compensated},
    {"sums-pairwise", pairwise},   {"sums-eight", eight}, {"sums-in-double", in_double},
};

void naive_product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                   int64_t ldb, int accumulate, float *c, int64_t ldc)
{
    size_t mine = 0;
    while (strcmp(orders[mine].name, MUTANT_NAME) != 0)
        mine++;
    for (int64_t r = 0; r < m; r++)
        for (int64_t j = 0; j < n; j++) {
            const pair p = {.x = ta ? a + r : a + r * lda,
                            .dx = ta ? lda : 1,
                            .y = tb ? b + j * ldb : b + j,
                            .dy = tb ? 1 : ldb,
                            .k = k};
            c[r * ldc + j] = orders[mine].add(&p, accumulate ? c[r * ldc + j] : 0);
        }
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = MUTANT_NAME;
    return &self;
}
