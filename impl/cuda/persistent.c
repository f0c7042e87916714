/* persistent.c: which layout a recurrence of one launch gets: what fits, and what a model of a step predicts.
 * SPDX-License-Identifier: MIT
 *
 * The model's numbers are those of published measurements on Hopper, none of our own: which of the layouts is
 * fastest a device has still to tell (docs/gpu-limits.md). */
#include "impl/cuda/persistent.h"

enum {
    ROWS = 4,       /* samples of a cluster */
    TEAM = 8,       /* threads that make a sum together */
    BARRIERS = 256, /* bytes of shared memory that these kernels have beside what their launch asks for */
    LANES = 128,    /* multiply-adds of a multiprocessor in a cycle */
    EXCHANGE = 478, /* cycles of a step beside them: hand-over in a cluster, first sums, gates */
    ALONE = 363,    /* the same with a barrier of the block for the hand-over */
    WIDEST = 8      /* blocks of a cluster that every device with clusters takes */
};

/* What persistent_lstm.cu, persistent_gru.cu and persistent_gru_before.cu have: outputs of a team in quads, weights a
 * thread keeps of each, most threads, and on the way back units times samples of a thread. */
typedef struct variant {
    int32_t kernel, quads, in_registers, most, cells;
} variant;

static const variant forward[3][3] = {{{KERNEL_lstm_forward_wide, 1, 16, 384, 0},
                                       {KERNEL_lstm_forward_deep, 1, 24, 320, 0},
                                       {KERNEL_lstm_forward_two, 2, 10, 384, 0}},
                                      {{KERNEL_gru_forward_wide, 1, 16, 384, 0},
                                       {KERNEL_gru_forward_deep, 1, 32, 320, 0},
                                       {KERNEL_gru_forward_two, 2, 12, 384, 0}},
                                      {{KERNEL_reset_forward_wide, 1, 16, 384, 0},
                                       {KERNEL_reset_forward_deep, 1, 32, 320, 0},
                                       {KERNEL_reset_forward_two, 2, 12, 384, 0}}};
static const variant backward[3][3] = {{{KERNEL_lstm_backward_wide, 1, 16, 512, 1},
                                        {KERNEL_lstm_backward_deep, 2, 12, 320, 1},
                                        {KERNEL_lstm_backward_alone, 1, 40, 256, 2}},
                                       {{KERNEL_gru_backward_wide, 1, 16, 512, 1},
                                        {KERNEL_gru_backward_deep, 2, 12, 320, 1},
                                        {KERNEL_gru_backward_alone, 1, 40, 256, 2}},
                                       {{KERNEL_reset_backward_wide, 1, 16, 512, 1},
                                        {KERNEL_reset_backward_deep, 2, 12, 320, 1},
                                        {KERNEL_reset_backward_alone, 1, 40, 256, 2}}};

/* The variant that leaves least in shared memory; threads is 0 if none fits. `outputs` in quads, `cells` of a block
 * that its threads share, `buffers` in floats, `room` in bytes. */
static cuda_persistent_pass fit(const variant v[3], uint32_t room, int32_t outputs, int32_t depth, int32_t cells,
                                int64_t buffers)
{
    cuda_persistent_pass best = {.threads = 0};
    for (int k = 0; k < 3; k++) {
        const int32_t teams = (outputs + v[k].quads - 1) / v[k].quads, threads = (teams * TEAM + 31) / 32 * 32;
        const int32_t rest = depth > v[k].in_registers ? depth - v[k].in_registers : 0;
        const int64_t shared = (buffers + (int64_t)rest * threads * v[k].quads * 4) * (int64_t)sizeof(float);
        if (threads > v[k].most || cells > v[k].cells * threads || shared > room) continue;
        if (best.threads && shared >= best.shared) continue;
        best = (cuda_persistent_pass){v[k].kernel, v[k].in_registers, depth, (uint32_t)threads, (uint32_t)shared};
    }
    return best;
}

cuda_layout cuda_layout_of(const assay_problem *p, int32_t ranks, uint32_t shared)
{
    const uint32_t room = shared > BARRIERS ? shared - BARRIERS : 0;
    const int32_t h = p->h, units = (h + ranks - 1) / ranks, slice = (units + TEAM - 1) / TEAM * TEAM,
                  padded = ranks * slice;
    cuda_layout l = {.ranks = 0, .rows = ROWS, .units = units, .slice = slice};
    const int gates = assay_gates(p->dialect.cell), before = p->dialect.gru_reset == ASSAY_RESET_BEFORE;
    const int kind = p->dialect.cell == ASSAY_LSTM ? 0 : 1 + before;
    if (p->dialect.cell != ASSAY_LSTM && p->dialect.cell != ASSAY_GRU) return l;
    if (p->proj || p->arithmetic != ASSAY_FP32) return l;
    if ((int64_t)p->n * p->directions * 4 * h > INT32_MAX) return l; /* kernels count within a step in 32 bits */
    if ((ranks - 1) * units >= h) return l;                          /* the last block would have none */
    l.forward = fit(forward[kind], room, units, padded / TEAM, 0, (int64_t)2 * padded * ROWS);
    l.backward = fit(backward[kind], room, padded / 4, gates * slice / TEAM, units * ROWS,
                     (int64_t)(2 * gates * slice + 2 * padded) * ROWS);
    if (l.forward.threads && l.backward.threads) l.ranks = ranks;
    return l;
}

static launch_shape shape_of(const cuda_layout *l, const cuda_persistent_pass *pass, int64_t n, int ways)
{
    const int64_t groups = (n + l->rows - 1) / l->rows;
    return (launch_shape){(uint32_t)(groups * l->ranks), (uint32_t)ways, pass->threads, (uint32_t)l->ranks,
                          pass->shared};
}

/* Cycles of a step of one pass, times the turns that its clusters take. */
static double predict(queue *q, const cuda_layout *l, const cuda_persistent_pass *pass, const assay_problem *p)
{
    const launch_shape shape = shape_of(l, pass, p->n, p->directions);
    const uint32_t resident = queue_resident(q, pass->kernel, &shape);
    const double products = (double)assay_gates(p->dialect.cell) * l->units * l->ranks * l->slice * l->rows;
    const int exchanges = p->dialect.cell == ASSAY_GRU && p->dialect.gru_reset == ASSAY_RESET_BEFORE ? 2 : 1;
    const int64_t clusters = (int64_t)shape.x / l->ranks * shape.y;
    if (!resident) return -1;
    return (double)((clusters + resident - 1) / resident) *
           (products / LANES + exchanges * (l->ranks > 1 ? EXCHANGE : ALONE));
}

cuda_layout cuda_layout_choose(queue *q, const assay_problem *p)
{
    cuda_layout best = {.ranks = 0};
    const int32_t only = (int32_t)queue_only_cluster(q);
    for (int32_t ranks = only ? only : WIDEST; ranks > 0; ranks /= 2) {
        cuda_layout l = cuda_layout_of(p, ranks, queue_shared(q));
        if (!l.ranks) continue;
        const double there = predict(q, &l, &l.forward, p), back = predict(q, &l, &l.backward, p);
        l.cycles = there + back;
        if (there < 0 || back < 0) continue;
        if (!best.ranks || l.cycles < best.cycles) best = l;
        if (only) break;
    }
    return best;
}

void cuda_persistent_send(queue *q, const cuda_layout *layout, const cuda_persistent_pass *pass, int ways,
                          const persistent_args *args)
{
    const launch_shape shape = shape_of(layout, pass, args->way[0].cell.n, ways);
    if (shape.x > 0 && args->t > 0) queue_launch(q, pass->kernel, &shape, args);
}
