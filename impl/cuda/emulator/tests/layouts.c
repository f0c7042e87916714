/* layouts.c: cuda-layouts, which prints the layout that the model of persistent.c gives each documented size:
 * predictions. SPDX-License-Identifier: MIT */
#include "impl/cuda/persistent.h"

#include <stdio.h>

static const struct {
    const char *workload;
    assay_problem p;
} rows[] = {
#define SIZE(cell_, directions_, n_, h_)                                                                               \
    {                                                                                                                  \
        .arithmetic = ASSAY_FP32, .t = 1, .n = n_, .h = h_, .directions = directions_, .dialect = {                    \
            .cell = cell_,                                                                                             \
            .gru_reset = ASSAY_RESET_AFTER_INSIDE                                                                      \
        }                                                                                                              \
    }
    {"a1", SIZE(ASSAY_GRU, 1, 25, 320)},          {"a2, a3", SIZE(ASSAY_LSTM, 2, 25, 320)},
    {"b1", SIZE(ASSAY_LSTM, 1, 64, 320)},         {"b2", SIZE(ASSAY_LSTM, 1, 32, 320)},
    {"b3, b4", SIZE(ASSAY_LSTM, 2, 32, 320)},     {"c.h128", SIZE(ASSAY_LSTM, 1, 128, 128)},
    {"c.h256, d", SIZE(ASSAY_LSTM, 1, 128, 256)}, {"c.h512", SIZE(ASSAY_LSTM, 1, 128, 512)},
    {"c.h1024", SIZE(ASSAY_LSTM, 1, 128, 1024)},
};

static void print(const char *workload, const assay_problem *p, const cuda_layout *l)
{
    const double weights = (double)l->forward.depth;
    printf("| %s | %s %d x %d, N %d | ", workload, p->dialect.cell == ASSAY_GRU ? "GRU" : "LSTM", p->directions, p->h,
           p->n);
    if (!l->ranks) {
        printf("a launch a step | | | | | |\n");
        return;
    }
    printf("%d | %d | %u, %u | %.0f %% | %.0f, %.0f | %.0f |\n", l->ranks,
           (p->n + l->rows - 1) / l->rows * p->directions * l->ranks, l->forward.threads, l->backward.threads,
           100 * (weights < l->forward.in_registers ? 1 : l->forward.in_registers / weights),
           l->forward.shared / 1024.0, l->backward.shared / 1024.0, l->cycles);
}

int main(void)
{
    queue *q;
    if (queue_open(0, &q) != ASSAY_OK) {
        fprintf(stderr, "cuda-layouts: no memory for the emulator\n");
        return 3;
    }
    printf(
        "| workload | layer | cluster | blocks | threads, there and back | weights in registers, there "
        "| shared KiB, there and back | cycles of a step both ways, predicted |\n|---|---|---|---|---|---|---|---|\n");
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const cuda_layout l = cuda_layout_choose(q, &rows[k].p);
        print(rows[k].workload, &rows[k].p, &l);
    }
    queue_close(q);
    return 0;
}
