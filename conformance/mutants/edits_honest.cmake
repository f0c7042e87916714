# edits_honest.cmake: honest variants: another order, another formula. As edits.cmake.
# SPDX-License-Identifier: MIT
set(cell impl/naive/cell.c)
set(stack impl/naive/stack.c)
set(product impl/naive/product.c)
set(plugin impl/naive/naive.c)
set(optimizer impl/common/host/optimizer.inc)
set(xent impl/common/host/xent.inc)
set(sum impl/common/host/sum.inc)
edit(sums-backwards ${product} [=[lane[q] += x[i + q] * w[i + q];]=] [=[lane[q] += x[k - 1 - i - q] * w[k - 1 - i - q];]=])
edit(sums-backwards ${product} [=[sum += x[i] * w[i];]=] [=[sum += x[k - 1 - i] * w[k - 1 - i];]=])
edit(sums-backwards ${product}
    [=[const float x = a[r * row + j * col], *w = b + j * ldb + first;]=]
    [=[const float x = a[r * row + (k - 1 - j) * col], *w = b + (k - 1 - j) * ldb + first;]=])
edit(other-blocks ${product} [=[#define BLOCK 40]=] [=[#define BLOCK 7]=])
edit(other-blocks ${product} [=[#define LANES 16]=] [=[#define LANES 3]=])
edit(other-blocks ${stack} [=[#define FOLD 40]=] [=[#define FOLD 13]=])
edit(gradients-one-chain ${product} [=[#define BLOCK 40]=] [=[#define BLOCK 1]=])
edit(gradients-one-chain ${stack} [=[#define FOLD 40]=] [=[#define FOLD INT32_MAX]=])
edit(gradients-one-chain ${cell}
    [=[        float sum = 0;
        for (int64_t r = 0; r < count; r++)
            sum += da[r * pitch + j];
        db[j] += sum;]=]
    [=[        for (int64_t r = 0; r < count; r++)
            db[j] += da[r * pitch + j];]=])
edit(biases-last ${cell}
    [=[/* db[j] += sum over the rows of this step. */]=]
    [=[static void add_both(int64_t count, int64_t pitch, int64_t n, const float *b_ih, const float *b_hh, float *to)
{
    for (int64_t r = 0; r < count; r++)
        for (int64_t j = 0; j < n; j++)
            to[r * pitch + j] += (b_ih ? b_ih[j] : 0) + (b_hh ? b_hh[j] : 0);
}

/* db[j] += sum over the rows of this step. */]=])
edit(biases-last ${cell} [=[start(s->count, gh, gh, s->given.b_ih, s->gates);]=] [=[start(s->count, gh, gh, NULL, s->gates);]=])
edit(biases-last ${cell} [=[add_bias(s->count, gh, gh, s->given.b_hh, s->gates);]=] [=[]=])
edit(biases-last ${cell}
    [=[apply(s->count, gh, s->state, s->h, s->state, s->given.r, s->gates, gh);]=]
    [=[apply(s->count, gh, s->state, s->h, s->state, s->given.r, s->gates, gh);
    add_both(s->count, gh, gh, s->given.b_ih, s->given.b_hh, s->gates);]=])
edit(biases-last ${cell}
    [=[start(s->count, pitch, 3 * h, s->given.b_ih, s->gates);]=] [=[start(s->count, pitch, 3 * h, NULL, s->gates);]=])
edit(biases-last ${cell} [=[add_bias(s->count, pitch, 2 * h, b_hh, s->gates);]=] [=[]=])
edit(biases-last ${cell}
    [=[apply(s->count, 2 * h, h, s->h, h, s->given.r, s->gates, pitch);]=]
    [=[apply(s->count, 2 * h, h, s->h, h, s->given.r, s->gates, pitch);
    add_both(s->count, pitch, 2 * h, s->given.b_ih, b_hh, s->gates);
    if (s->given.b_ih) add_bias(s->count, pitch, h, s->given.b_ih + 2 * h, s->gates + 2 * h);]=])
edit(biases-last ${cell} [=[start(s->count, h, h, s->given.b_ih, s->gates);]=] [=[start(s->count, h, h, NULL, s->gates);]=])
edit(biases-last ${cell} [=[add_bias(s->count, h, h, s->given.b_hh, s->gates);]=] [=[]=])
edit(biases-last ${cell}
    [=[apply(s->count, h, h, s->h, h, s->given.r, s->gates, h);]=]
    [=[apply(s->count, h, h, s->h, h, s->given.r, s->gates, h);
    add_both(s->count, h, h, s->given.b_ih, s->given.b_hh, s->gates);]=])
edit(gru-interpolates ${cell}
    [=[(1 - keep(s->d, z[j])) * n[j] + keep(s->d, z[j]) * s->h[k];]=] [=[n[j] + keep(s->d, z[j]) * (s->h[k] - n[j]);]=])
edit(cell-fused ${cell}
    [=[s->c_new[k] = within(d, f[j] * s->c[k] + i[j] * g[j]);]=]
    [=[s->c_new[k] = within(d, fmaf(f[j], s->c[k], i[j] * g[j]));]=])
edit(cell-fused ${cell}
    [=[s->dc[k] + dh * o[j] * (1 - tanh_c * tanh_c);]=] [=[fmaf(dh * o[j], fmaf(-tanh_c, tanh_c, 1), s->dc[k]);]=])
edit(cell-fused ${cell} [=[dc * i[j] * (1 - g[j] * g[j]);]=] [=[dc * i[j] * fmaf(-g[j], g[j], 1);]=])
edit(cell-fused ${cell} [=[n[j] + r[j] * u[j]);]=] [=[fmaf(r[j], u[j], n[j]));]=])
edit(cell-fused ${cell}
    [=[(1 - keep(s->d, z[j])) * n[j] + keep(s->d, z[j]) * s->h[k];]=]
    [=[fmaf(keep(s->d, z[j]), s->h[k], (1 - keep(s->d, z[j])) * n[j]);]=])
edit(cell-fused ${cell} [=[dh * (1 - kept) * (1 - n[j] * n[j]);]=] [=[dh * (1 - kept) * fmaf(-n[j], n[j], 1);]=])
edit(cell-fused ${cell} [=[s->dh[k] * (1 - y * y);]=] [=[s->dh[k] * fmaf(-y, y, 1);]=])

# As most write it: exp overflows below -88.7, where the sigmoid is 0.
edit(activations-plain ${cell}
    [=[/* exp never overflows this way, and small results keep their digits. */]=]
    [=[static float tanh_of(float x)
{
    const float e = expm1f(-2 * fabsf(x));
    return copysignf(-e / (2 + e), x);
}
]=])
edit(activations-plain ${cell}
    [=[    const float e = expf(-fabsf(x));
    return (x < 0 ? e : 1) / (1 + e);]=]
    [=[    return 1 / (1 + expf(-x));]=])
edit(activations-plain ${cell} [=[g[j] = tanhf(g[j]);]=] [=[g[j] = tanh_of(g[j]);]=])
edit(activations-plain ${cell} [=[out[k] = o[j] * tanhf(s->c_new[k]);]=] [=[out[k] = o[j] * tanh_of(s->c_new[k]);]=])
edit(activations-plain ${cell} [=[tanh_c = tanhf(c)]=] [=[tanh_c = tanh_of(c)]=])
edit(activations-plain ${cell} [=[n[j] = tanhf(before]=] [=[n[j] = tanh_of(before]=])
edit(activations-plain ${cell} [=[(a < 0 ? 0 : a) : tanhf(a);]=] [=[(a < 0 ? 0 : a) : tanh_of(a);]=])

# As a graphics processor's own instruction wants it; what rounding the product with log2 e loses is put back.
edit(activations-by-exp2 ${cell}
    [=[    const float e = expf(-fabsf(x));]=]
    [=[    const float log2_e = 1.44269504F, a = -fabsf(x), y = a * log2_e, lost = fmaf(a, log2_e, -y) + a * 1.925963E-8F;
    const float power = exp2f(y), e = fmaf(power, lost * 0.69314718F, power);]=])
edit(activations-by-exp2 ${plugin} [=[.activation_ulp = 2.5};]=] [=[.activation_ulp = 3.5};]=])
edit(softmax-by-log ${xent}
    [=[const real factor = scale * all / sum;]=] [=[const real factor = scale * all, log_sum = host_log(sum);]=])
edit(softmax-by-log ${xent} [=[g[k] *= factor;]=] [=[g[k] = factor * host_exp((x[k] - m) - log_sum);]=])
edit(losses-pairwise ${sum}
    [=[    real total = 0;]=]
    [=[    real total = 0;
    if (n > 2) return HOST(sum)(n / 2, x) + HOST(sum)(n - n / 2, x + n / 2);]=])
edit(adam-one-step-size ${optimizer}
    [=[w[i] -= lr * (m[i] * correct1) / (HOST_SQRT(v[i] * correct2) + epsilon);]=]
    [=[w[i] -= lr * correct1 / HOST_SQRT(correct2) * m[i] / (HOST_SQRT(v[i]) + epsilon / HOST_SQRT(correct2));]=])
edit(ctc-unscaled impl/common/host/host_f32.c
    [=[#include "impl/common/host/ctc_sums.inc"
#include "impl/common/host/ctc_one.inc"
]=]
    [=[#include "conformance/mutants/ctc_log.inc"
]=])
