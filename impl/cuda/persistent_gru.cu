/* persistent_gru.cu: all steps of a GRU layer in one launch, there and back: its cells, the reset behind the
 * product.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/persistent_backward.hpp"
#include "impl/cuda/persistent_forward.hpp"

/* One cell: a unit of a sample. */
struct gru_cell {
    enum { GATES = 3 };
    cell_place at;
    float bn;        /* recurrent bias of the candidate, inside the reset */
    float in[GATES]; /* of the next step: W x + b */
    float h;
};

DEVICE void load_state(const cell_args &a, gru_cell &cell, int64_t at)
{
    cell.h = a.h_before[at];
    cell.bn = a.bn ? a.bn[cell.at.j] : 0.0F;
}

DEVICE void read_input(const cell_args &a, gru_cell &cell, int32_t t)
{
    if (t >= cell.at.length) return;
    const float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    UNROLL
    for (int g = 0; g < gru_cell::GATES; g++)
        cell.in[g] = at[g * a.h];
}

/* h after step t, and what the layer gives there. */
DEVICE void write_state(const cell_args &a, const gru_cell &cell, int32_t t)
{
    if (!cell.at.writes) return;
    a.h_after[step_at(a, t, a.h) + (cell.at.n * a.h + cell.at.j)] = cell.h;
    a.y[step_at(a, t, a.y_pitch) + (cell.at.n * static_cast<int32_t>(a.y_pitch) + cell.at.j)] =
        t < cell.at.length ? cell.h : 0.0F;
}

/* The equations of gru_forward (cells.cu). */
DEVICE void advance(const cell_args &a, gru_cell &cell, int32_t t, const float (&in)[3], const float (&sum)[3])
{
    if (t >= cell.at.length) return;
    const float u = sum[2] + cell.bn, r = gate(a.gate, in[0] + sum[0]), z = gate(a.gate, in[1] + sum[1]);
    const float candidate = tangent(in[2] + r * u), share = a.updates ? 1 - z : z;
    cell.h = (1 - share) * candidate + share * cell.h;
    if (!cell.at.writes) return;
    float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    at[0] = r;
    at[a.h] = z;
    at[2 * a.h] = candidate;
    at[3 * a.h] = u;
}

/* The same sizes as for an LSTM (persistent_lstm.cu). */
KERNEL(gru_forward_wide, persistent_args, 384)
{
    forward_steps<gru_cell, 1, 16, 4>(a);
}

KERNEL(gru_forward_deep, persistent_args, 320)
{
    forward_steps<gru_cell, 1, 32, 4>(a);
}

KERNEL(gru_forward_two, persistent_args, 384)
{
    forward_steps<gru_cell, 2, 12, 4>(a);
}

/* ---- backward ---- */

/* What one step of one cell reads, of global memory. */
struct gru_read {
    float r, z, candidate, u, before, dy;
};

/* One cell: a unit of a sample. */
struct gru_gradient {
    enum { GATES = 3 };
    gradient_place at;
    gru_read next;
};

DEVICE void load_gradient(const cell_args &, gru_gradient &) {}
DEVICE void write_gradient(const cell_args &, const gru_gradient &) {}

DEVICE void read_step(const cell_args &a, gru_gradient &cell, int32_t t)
{
    if (t >= cell.at.length) return;
    const float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    cell.next = gru_read{at[0],
                         at[a.h],
                         at[2 * a.h],
                         at[3 * a.h],
                         a.h_before[step_at(a, t, a.h) + (cell.at.n * a.h + cell.at.j)],
                         a.dy[step_at(a, t, a.y_pitch) + (cell.at.n * static_cast<int32_t>(a.y_pitch) + cell.at.j)]};
}

/* The equations of gru_backward (cells.cu); given, da as for an LSTM: of r z u, what the product gets. */
DEVICE void retreat(const cell_args &a, gru_gradient &cell, int32_t t, float &given, float (&da)[3])
{
    float dn = 0;
    UNROLL
    for (int g = 0; g < 3; g++)
        da[g] = 0;
    if (t < cell.at.length) {
        const gru_read &x = cell.next;
        const float share = a.updates ? 1 - x.z : x.z, dh = given + x.dy, by_share = dh * (x.before - x.candidate);
        dn = dh * (1 - share) * (1 - x.candidate * x.candidate);
        da[0] = dn * x.u * slope(a.gate, x.r);
        da[1] = (a.updates ? -by_share : by_share) * slope(a.gate, x.z);
        da[2] = dn * x.r;
        given = dh * share;
    }
    float *to = a.da + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    UNROLL
    for (int g = 0; g < 3; g++)
        to[g * a.h] = da[g];
    to[3 * a.h] = dn;
}

KERNEL(gru_backward_wide, persistent_args, 512)
{
    backward_steps<gru_gradient, 1, 16, 4, 1>(a);
}

KERNEL(gru_backward_deep, persistent_args, 320)
{
    backward_steps<gru_gradient, 2, 12, 4, 1>(a);
}

KERNEL(gru_backward_alone, persistent_args, 256)
{
    backward_steps<gru_gradient, 1, 40, 4, 2>(a);
}
