/* narrow.c: naive with operands of products rounded to a narrow format and sums in fp32, as tensor cores compute:
 * declared as such and honest, or with one defect. SPDX-License-Identifier: MIT
 *
 * Its naive_product() takes the place of naive's own, which the linker then leaves in its archive. */
#include "conformance/mutants/entry.h"
#include "impl/naive/product.h"

#include <math.h>
#include <string.h>

typedef struct kind {
    const char *name;
    int format, declared; /* assay_format: of the operands, of the declaration */
    int truncates;        /* sums drop bits toward zero */
    float back;           /* the defect, if not 1: factor on what gradients of inputs and states become in a product */
    enum { EVEN, AWAY, CUT } ties; /* of operands; CUT drops bits toward zero: a defect unless declared */
    int opaque;                    /* declared: nobody knows how operands are rounded */
} kind;

static const kind kinds[] = {
    {"narrow-tf32", ASSAY_TF32, ASSAY_TF32, 0, 1, EVEN, 0},
    {"narrow-tf32-away", ASSAY_TF32, ASSAY_TF32, 0, 1, AWAY, 0},
    {"narrow-bf16", ASSAY_BF16, ASSAY_BF16, 0, 1, EVEN, 0},
    {"narrow-fp16", ASSAY_FP16, ASSAY_FP16, 0, 1, EVEN, 0},
    {"narrow-tf32-truncated", ASSAY_TF32, ASSAY_TF32, 1, 1, EVEN, 0},
    {"narrow-tf32-opaque", ASSAY_TF32, ASSAY_TF32, 0, 1, CUT, 1},
    {"narrow-bf16-as-tf32", ASSAY_BF16, ASSAY_TF32, 0, 1, EVEN, 0},
    {"narrow-tf32-gradient", ASSAY_TF32, ASSAY_TF32, 0, 1.001f, EVEN, 0},
    {"narrow-bf16-gradient", ASSAY_BF16, ASSAY_BF16, 0, 1.01f, EVEN, 0},
    {"narrow-tf32-cut", ASSAY_TF32, ASSAY_TF32, 0, 1, CUT, 0},
    {"narrow-bf16-cut", ASSAY_BF16, ASSAY_BF16, 0, 1, CUT, 0},
};

static const kind *mine(void)
{
    const kind *found = kinds;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(kinds[k].name, MUTANT_NAME) == 0) found = &kinds[k];
    return found;
}

/* To nearest, or cut; fp16 has fewer exponents than a float, the others have as many. */
static float operand(int format, int ties, float x)
{
    const int drop = format == ASSAY_BF16 ? 16 : 13;
    uint32_t bits;
    if (!(fabsf(x) <= 0x1.fffffep127f)) return x;
    if (format == ASSAY_FP16 && fabsf(x) < 0x1p-14f) return rintf(x * 0x1p24f) * 0x1p-24f;
    memcpy(&bits, &x, sizeof bits);
    if (ties != CUT) bits += (UINT32_C(1) << (drop - 1)) - 1 + (ties == AWAY ? 1 : bits >> drop & 1);
    bits &= ~((UINT32_C(1) << drop) - 1);
    memcpy(&x, &bits, sizeof x);
    return format == ASSAY_FP16 && fabsf(x) > 65504 ? copysignf(INFINITY, x) : x;
}

/* The product of two operands is exact in double. */
static float add(float sum, double product, int truncates)
{
    const double exact = sum + product;
    const float near = (float)exact;
    return truncates && fabs((double)near) > fabs(exact) ? nextafterf(near, 0) : near;
}

void naive_product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                   int64_t ldb, int accumulate, float *c, int64_t ldc)
{
    const kind *how = mine();
    const float factor = ta || tb ? 1 : how->back;
    for (int64_t r = 0; r < m; r++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t i = 0; i < k; i++) {
                const float x = operand(how->format, how->ties, ta ? a[i * lda + r] : a[r * lda + i]);
                const float y = operand(how->format, how->ties, tb ? b[j * ldb + i] : b[i * ldb + j]);
                sum = add(sum, (double)x * y, how->truncates);
            }
            c[r * ldc + j] = (accumulate ? c[r * ldc + j] : 0) + factor * sum;
        }
}

/* naive knows fp32 only, whose tensors are those of the narrow formats. */
static assay_problem as_fp32(const assay_problem *p)
{
    assay_problem q = *p;
    q.arithmetic = ASSAY_FP32;
    return q;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    const assay_problem q = as_fp32(p);
    if (p->arithmetic != mine()->declared) {
        *why = "computes in one narrow format only";
        return ASSAY_UNSUPPORTED;
    }
    const assay_status st = assay_honest_entry()->supports(ctx, &q, declared, why);
    declared->operand = mine()->declared;
    declared->truncates = mine()->truncates;
    declared->opaque = mine()->opaque;
    return st;
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    const assay_problem q = as_fp32(p);
    return assay_honest_entry()->plan(ctx, &q, out, sizes);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = MUTANT_NAME;
    self.supports = supports;
    self.plan = plan_make;
    return &self;
}
