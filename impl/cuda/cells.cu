/* cells.cu: gates and states of one step, forward and backward: what follows or precedes the product with R.
 * SPDX-License-Identifier: MIT
 *
 * Equations: docs/semantics.md 1.1 to 1.5. A sample past its length keeps its state, and the gradient of it; all else
 * of it is 0, so that products over all rows may run over it. */
#include "impl/cuda/gates.hpp"
#include "impl/cuda/rows.hpp"

/* h and y of one element after the step. */
DEVICE void keep_state(const cell_args &a, int64_t n, int64_t j, bool active, float h)
{
    a.h_after[n * a.state + j] = active ? h : a.h_before[n * a.state + j];
    a.y[n * a.y_pitch + j] = active ? h : 0.0F;
}

/* ---- LSTM: gates i f g o ---- */

KERNEL(lstm_forward, cell_args, 256)
{
    const int64_t h = a.h;
    for (int64_t e = grid_first(); e < a.n * h; e += grid_step()) {
        const int64_t n = e / h, j = e % h;
        const bool active = inside(a.lens, a.step, n);
        const float *p = a.peephole, *product = a.product + n * 4 * h + j;
        float *at = a.gates + n * 4 * h + j, out = 0;
        const float before = a.c_before[e];
        float after = before;
        if (active) {
            const float of_i = at[0] + product[0] + (p ? p[j] * before : 0.0F);
            const float of_f = at[h] + product[h] + (p ? p[h + j] * before : 0.0F) + a.forget_bias;
            const float i = gate(a.gate, of_i), f = a.coupled ? 1 - i : gate(a.gate, of_f);
            const float g = tangent(at[2 * h] + product[2 * h]);
            after = clipped(a.clip, f * before + i * g);
            const float o = gate(a.gate, at[3 * h] + product[3 * h] + (p ? p[2 * h + j] * after : 0.0F));
            at[0] = i;
            at[h] = f;
            at[2 * h] = g;
            at[3 * h] = o;
            out = o * tangent(after);
        }
        a.c_after[e] = after;
        if (a.projected)
            a.m[e] = out;
        else
            keep_state(a, n, j, active, out);
    }
}

KERNEL(lstm_backward, cell_args, 256)
{
    const int64_t h = a.h;
    for (int64_t e = grid_first(); e < a.n * h; e += grid_step()) {
        const int64_t n = e / h, j = e % h;
        const float *at = a.gates + n * 4 * h + j, *p = a.peephole;
        float *da = a.da + n * 4 * h + j;
        if (!inside(a.lens, a.step, n)) {
            da[0] = da[h] = da[2 * h] = da[3 * h] = 0;
            continue;
        }
        const float i = at[0], f = at[h], g = at[2 * h], o = at[3 * h], before = a.c_before[e];
        const float q = f * before + i * g, c = clipped(a.clip, q), tanh_c = tangent(c);
        const float dh = a.projected ? a.dm[e] : a.dh[e] + a.dy[n * a.y_pitch + j];
        const float d_o = dh * tanh_c * slope(a.gate, o);
        float dc = a.dc[e] + dh * o * (1 - tanh_c * tanh_c);
        if (p) dc += p[2 * h + j] * d_o;
        if (c != q && !a.clip_passes) dc = 0;
        const float di = dc * (a.coupled ? g - before : g) * slope(a.gate, i);
        const float df = a.coupled ? 0.0F : dc * before * slope(a.gate, f);
        da[0] = di;
        da[h] = df;
        da[2 * h] = dc * i * (1 - g * g);
        da[3 * h] = d_o;
        a.dc[e] = dc * f + (p ? p[j] * di + p[h + j] * df : 0.0F);
        if (!a.projected) a.dh[e] = 0;
    }
}

/* After the projection: `product` is the new state. */
KERNEL(settle, cell_args, 256)
{
    for (int64_t e = grid_first(); e < static_cast<int64_t>(a.n) * a.state; e += grid_step())
        keep_state(a, e / a.state, e % a.state, inside(a.lens, a.step, e / a.state), a.product[e]);
}

/* Before it on the way back: all that is given of the state. */
KERNEL(arrive, cell_args, 256)
{
    for (int64_t e = grid_first(); e < static_cast<int64_t>(a.n) * a.state; e += grid_step()) {
        const int64_t n = e / a.state;
        const bool active = inside(a.lens, a.step, n);
        a.d_state[e] = active ? a.dh[e] + a.dy[n * a.y_pitch + e % a.state] : 0.0F;
        if (active) a.dh[e] = 0;
    }
}

/* ---- GRU: gates r z n, and a fourth block: u = Rn h (+ bn) where the reset acts after the product, e = r h before
 * ---- */

/* Reset before: r, z and r h, of which the second product is made. */
KERNEL(gru_gates, cell_args, 256)
{
    const int64_t h = a.h;
    for (int64_t e = grid_first(); e < a.n * h; e += grid_step()) {
        const int64_t n = e / h, j = e % h;
        const float *product = a.product + n * 2 * h + j;
        float *at = a.gates + n * 4 * h + j;
        if (!inside(a.lens, a.step, n)) {
            at[3 * h] = 0;
            continue;
        }
        const float r = gate(a.gate, at[0] + product[0]);
        at[0] = r;
        at[h] = gate(a.gate, at[h] + product[h]);
        at[3 * h] = r * a.h_before[e];
    }
}

KERNEL(gru_forward, cell_args, 256)
{
    const int64_t h = a.h;
    for (int64_t e = grid_first(); e < a.n * h; e += grid_step()) {
        const int64_t n = e / h, j = e % h;
        const bool active = inside(a.lens, a.step, n);
        float *at = a.gates + n * 4 * h + j, out = 0;
        if (active) {
            float z = at[h], sum;
            if (a.before) {
                sum = at[2 * h] + a.product[e];
            } else {
                const float *product = a.product + n * 3 * h + j, u = product[2 * h] + (a.bn ? a.bn[j] : 0.0F);
                const float r = gate(a.gate, at[0] + product[0]);
                z = gate(a.gate, z + product[h]);
                sum = at[2 * h] + r * u;
                at[0] = r;
                at[h] = z;
                at[3 * h] = u;
            }
            const float candidate = tangent(sum), share = a.updates ? 1 - z : z;
            at[2 * h] = candidate;
            out = (1 - share) * candidate + share * a.h_before[e];
        }
        keep_state(a, n, j, active, out);
    }
}

/* da: dr dz du dn where the reset acts after the product (du is what the product gets, dn what the input gets); dr dz
 * dn where it acts before, dr by gru_reset_backward, after the gradient of r h is known. */
KERNEL(gru_backward, cell_args, 256)
{
    const int64_t h = a.h;
    for (int64_t e = grid_first(); e < a.n * h; e += grid_step()) {
        const int64_t n = e / h, j = e % h;
        const float *at = a.gates + n * 4 * h + j;
        float *da = a.da + n * 4 * h + j;
        if (!inside(a.lens, a.step, n)) {
            da[0] = da[h] = da[2 * h] = da[3 * h] = 0;
            continue;
        }
        const float r = at[0], z = at[h], candidate = at[2 * h], share = a.updates ? 1 - z : z;
        const float dh = a.dh[e] + a.dy[n * a.y_pitch + j], by_share = dh * (a.h_before[e] - candidate);
        const float dn = dh * (1 - share) * (1 - candidate * candidate);
        da[h] = (a.updates ? -by_share : by_share) * slope(a.gate, z);
        if (a.before) {
            da[2 * h] = dn;
        } else {
            da[0] = dn * at[3 * h] * slope(a.gate, r);
            da[2 * h] = dn * r;
            da[3 * h] = dn;
        }
        a.dh[e] = dh * share;
    }
}

KERNEL(gru_reset_backward, cell_args, 256)
{
    const int64_t h = a.h;
    for (int64_t e = grid_first(); e < a.n * h; e += grid_step()) {
        const int64_t n = e / h, j = e % h;
        const float r = a.gates[n * 4 * h + j];
        if (!inside(a.lens, a.step, n)) continue;
        a.da[n * 4 * h + j] = a.de[e] * a.h_before[e] * slope(a.gate, r);
        a.dh[e] += a.de[e] * r;
    }
}

/* ---- plain: the kept gate is the new state itself ---- */

KERNEL(plain_forward, cell_args, 256)
{
    for (int64_t e = grid_first(); e < static_cast<int64_t>(a.n) * a.h; e += grid_step()) {
        const float sum = a.gates[e] + a.product[e], y = a.relu ? (sum < 0 ? 0.0F : sum) : tangent(sum);
        a.gates[e] = y;
        keep_state(a, e / a.h, e % a.h, inside(a.lens, a.step, e / a.h), y);
    }
}

KERNEL(plain_backward, cell_args, 256)
{
    for (int64_t e = grid_first(); e < static_cast<int64_t>(a.n) * a.h; e += grid_step()) {
        const int64_t n = e / a.h;
        const float y = a.gates[e];
        if (!inside(a.lens, a.step, n)) {
            a.da[e] = 0;
            continue;
        }
        const float dh = a.dh[e] + a.dy[n * a.y_pitch + e % a.h];
        a.da[e] = a.relu ? (y > 0 ? dh : 0.0F) : dh * (1 - y * y);
        a.dh[e] = 0;
    }
}
