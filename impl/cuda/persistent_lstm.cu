/* persistent_lstm.cu: all steps of an LSTM layer in one launch, there and back: its cells.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/persistent_backward.hpp"
#include "impl/cuda/persistent_forward.hpp"

/* One cell: a unit of a sample. */
struct lstm_cell {
    enum { GATES = 4 };
    cell_place at;
    float p[3];      /* peepholes */
    float in[GATES]; /* of the next step: W x + b */
    float h, c;
};

DEVICE void load_state(const cell_args &a, lstm_cell &cell, int64_t at)
{
    cell.h = a.h_before[at];
    cell.c = a.c_before[at];
    UNROLL
    for (int g = 0; g < 3; g++)
        cell.p[g] = a.peephole ? a.peephole[g * a.h + cell.at.j] : 0.0F;
}

DEVICE void read_input(const cell_args &a, lstm_cell &cell, int32_t t)
{
    if (t >= cell.at.length) return;
    const float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    UNROLL
    for (int g = 0; g < 4; g++)
        cell.in[g] = at[g * a.h];
}

/* h and c after step t, and what the layer gives there. */
DEVICE void write_state(const cell_args &a, const lstm_cell &cell, int32_t t)
{
    if (!cell.at.writes) return;
    const int64_t at = step_at(a, t, a.h) + (cell.at.n * a.h + cell.at.j);
    a.h_after[at] = cell.h;
    a.c_after[at] = cell.c;
    a.y[step_at(a, t, a.y_pitch) + (cell.at.n * static_cast<int32_t>(a.y_pitch) + cell.at.j)] =
        t < cell.at.length ? cell.h : 0.0F;
}

/* The equations of lstm_forward (cells.cu). */
DEVICE void advance(const cell_args &a, lstm_cell &cell, int32_t t, const float (&in)[4], const float (&sum)[4])
{
    if (t >= cell.at.length) return;
    const float *p = cell.p;
    const float i = gate(a.gate, in[0] + sum[0] + p[0] * cell.c);
    const float f = a.coupled ? 1 - i : gate(a.gate, in[1] + sum[1] + p[1] * cell.c + a.forget_bias);
    const float g = tangent(in[2] + sum[2]);
    cell.c = clipped(a.clip, f * cell.c + i * g);
    const float o = gate(a.gate, in[3] + sum[3] + p[2] * cell.c);
    cell.h = o * tangent(cell.c);
    if (!cell.at.writes) return;
    float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    at[0] = i;
    at[a.h] = f;
    at[2 * a.h] = g;
    at[3 * a.h] = o;
}

/* Teams of one unit: the weights of up to 128 units of input in registers of up to 512 threads. */
KERNEL(lstm_forward_wide, persistent_args, 384)
{
    forward_steps<lstm_cell, 1, 16, 4>(a);
}

/* Of up to 192 units, in those of up to 320 threads; of more the rest in shared memory. */
KERNEL(lstm_forward_deep, persistent_args, 320)
{
    forward_steps<lstm_cell, 1, 24, 4>(a);
}

/* Teams of two units: up to 96 units in one block. */
KERNEL(lstm_forward_two, persistent_args, 384)
{
    forward_steps<lstm_cell, 2, 10, 4>(a);
}

/* ---- backward ---- */

/* What one step of one cell reads, of global memory. */
struct lstm_read {
    float i, f, g, o, before, dy;
};

/* One cell: a unit of a sample. */
struct lstm_gradient {
    enum { GATES = 4 };
    gradient_place at;
    float p[3];
    float dc; /* of the cell after a step */
    lstm_read next;
};

DEVICE void load_gradient(const cell_args &a, lstm_gradient &cell)
{
    cell.dc = a.dc[cell.at.n * a.h + cell.at.j];
    UNROLL
    for (int g = 0; g < 3; g++)
        cell.p[g] = a.peephole ? a.peephole[g * a.h + cell.at.j] : 0.0F;
}

DEVICE void write_gradient(const cell_args &a, const lstm_gradient &cell)
{
    a.dc[cell.at.n * a.h + cell.at.j] = cell.dc;
}

DEVICE void read_step(const cell_args &a, lstm_gradient &cell, int32_t t)
{
    if (t >= cell.at.length) return;
    const float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    cell.next = lstm_read{at[0],
                          at[a.h],
                          at[2 * a.h],
                          at[3 * a.h],
                          a.c_before[step_at(a, t, a.h) + (cell.at.n * a.h + cell.at.j)],
                          a.dy[step_at(a, t, a.y_pitch) + (cell.at.n * static_cast<int32_t>(a.y_pitch) + cell.at.j)]};
}

/* The equations of lstm_backward (cells.cu); given: dh after the step; left of it: before
 * the step, less what the product gives. da: of i f g o. */
DEVICE void retreat(const cell_args &a, lstm_gradient &cell, int32_t t, float &given, float (&da)[4])
{
    UNROLL
    for (int g = 0; g < 4; g++)
        da[g] = 0;
    if (t < cell.at.length) {
        const lstm_read &x = cell.next;
        const float *p = cell.p;
        const float q = x.f * x.before + x.i * x.g, c = clipped(a.clip, q), tanh_c = tangent(c);
        const float dh = given + x.dy;
        da[3] = dh * tanh_c * slope(a.gate, x.o);
        float dc = cell.dc + dh * x.o * (1 - tanh_c * tanh_c) + p[2] * da[3];
        if (c != q && !a.clip_passes) dc = 0;
        da[0] = dc * (a.coupled ? x.g - x.before : x.g) * slope(a.gate, x.i);
        da[1] = a.coupled ? 0.0F : dc * x.before * slope(a.gate, x.f);
        da[2] = dc * x.i * (1 - x.g * x.g);
        cell.dc = dc * x.f + p[0] * da[0] + p[1] * da[1];
        given = 0;
    }
    float *to = a.da + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    UNROLL
    for (int g = 0; g < 4; g++)
        to[g * a.h] = da[g];
}

/* Four units a team: their weights for up to 32 units of a block, in registers of up to 512 threads. */
KERNEL(lstm_backward_wide, persistent_args, 512)
{
    backward_steps<lstm_gradient, 1, 16, 4, 1>(a);
}

/* Eight: in those of up to 320 threads; of more units the rest in shared memory. */
KERNEL(lstm_backward_deep, persistent_args, 320)
{
    backward_steps<lstm_gradient, 2, 12, 4, 1>(a);
}

/* Four, for up to 80 units of a block that is alone. */
KERNEL(lstm_backward_alone, persistent_args, 256)
{
    backward_steps<lstm_gradient, 1, 40, 4, 2>(a);
}
