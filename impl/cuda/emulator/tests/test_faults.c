/* test_faults.c: the real kernels with one order taken out of each (edits.cmake): the emulator says what is wrong.
 * SPDX-License-Identifier: MIT
 *
 * One program an edit, named by EDIT; the one without an edit runs every scenario, and all of them must pass. */
#include "impl/cuda/emulator/queue.h"
#include "impl/common/cuda/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

enum { TIMES = 24, ROOM = 4096 };

typedef struct bed {
    queue *q;
    float a[ROOM], b[ROOM], c[ROOM];
    int32_t k[ROOM], labels[8], label_lens[1];
} bed;

static int begin(void **state)
{
    static bed b;
    for (int i = 0; i < ROOM; i++) {
        b.a[i] = (float)(i * 29 % 83) / 83;
        b.b[i] = (float)(i * 31 % 89) / 89;
        b.k[i] = i * 13 % 7;
    }
    const int32_t labels[] = {1, 3, 3};
    memcpy(b.labels, labels, sizeof labels);
    b.label_lens[0] = 3;
    *state = &b;
    return queue_open(0, &b.q) != ASSAY_OK;
}

static int end(void **state)
{
    queue_close(((bed *)*state)->q);
    return 0;
}

/* ---- scenarios ---- */

static void product(bed *b, int32_t format, int64_t k)
{
    const gemm_args g = {.m = 20, .n = 40, .k = k, .a = b->a, .lda = k, .b = b->b, .ldb = 40, .c = b->c, .ldc = 40};
    cuda_gemm(b->q, format, &g);
}

static void long_product(bed *b)
{
    product(b, ASSAY_FP32, 40);
}

static void narrow_product(bed *b)
{
    product(b, ASSAY_TF32, 40);
    product(b, ASSAY_BF16, 40);
    product(b, ASSAY_FP16, 70);
}

static void short_product(bed *b)
{
    product(b, ASSAY_FP32, 7);
}

static void sums(bed *b)
{
    const column_sums_args s = {.rows = 100, .columns = 5, .a = b->a, .a_pitch = 5, .out = b->c};
    cuda_column_sums(b->q, &s);
}

static void rows_of(bed *b, int64_t classes, uint32_t threads)
{
    const launch_shape shape = {1, 1, threads, 1, 0};
    static float scale = 1, losses[3];
    const xent_args x = {.rows = {3, 1, 0, NULL},
                         .count = 3,
                         .classes = classes,
                         .stride = classes,
                         .one = 1,
                         .own = 1,
                         .x = b->a,
                         .labels = b->k,
                         .scale = &scale,
                         .loss_rows = losses,
                         .grad = b->c};
    queue_launch(b->q, KERNEL_xent_rows, &shape, &x);
}

static void wide_rows(bed *b)
{
    rows_of(b, 300, 256);
}

static void narrow_rows(bed *b)
{
    rows_of(b, 7, 32);
}

static void frames(bed *b)
{
    static float half[6 * 7], tops[12], occupancy[10], loss;
    static int32_t chain[3];
    const launch_shape shape = {1, 1, 64, 1, 31 * sizeof(float)};
    const ctc_args c = {.rows = {6, 1, 0, NULL},
                        .classes = 5,
                        .stride = 5,
                        .max_label = 3,
                        .weight = 1,
                        .x = b->a,
                        .labels = b->labels,
                        .label_lens = b->label_lens,
                        .half = half,
                        .frames = tops,
                        .occupancy = occupancy,
                        .chain = chain,
                        .loss_rows = &loss,
                        .grad = b->c};
    queue_launch(b->q, KERNEL_ctc, &shape, &c);
}

static void ids(bed *b)
{
    static int32_t keys[4][40];
    const launch_shape shape = {1, 1, 32, 1, 0};
    const sort_args s = {{8, 5, 0, NULL}, 7, b->k, keys[0], keys[1], keys[2], keys[3]};
    queue_launch(b->q, KERNEL_sort_ids, &shape, &s);
}

/* ---- what each edit is called ---- */

enum { TOO_EARLY = 1 << EMULATOR_RACE | 1 << EMULATOR_UNINITIALISED };

static const struct {
    const char *edit;
    void (*scenario)(bed *b);
    int faults; /* bits: any of them */
    const char *says;
} rows[] = {
    {"tile-before", long_product, TOO_EARLY, "gemm_small: "},
    {"tile-behind", long_product, 1 << EMULATOR_RACE, "nothing orders the two"},
    {"tile-tail", short_product, 1 << EMULATOR_UNINITIALISED, "which nobody has written"},
    {"narrow-behind", narrow_product, 1 << EMULATOR_RACE, "nothing orders the two"},
    {"narrow-lanes", narrow_product, 1 << EMULATOR_LANES, "lane"},
    {"sums-before", sums, TOO_EARLY, "column_sums: "},
    {"one-place", wide_rows, 1 << EMULATOR_RACE, "nothing orders the two"},
    {"lanes-leave", narrow_rows, 1 << EMULATOR_LANES, "lane"},
    {"frame-without-sync", frames, 1 << EMULATOR_RACE, "nothing orders the two"},
    {"labels-before", frames, TOO_EARLY, "ctc: "},
    {"one-row", frames, 1 << EMULATOR_RACE, "nothing orders the two"},
    {"middle-before", frames, TOO_EARLY, "ctc: "},
    {"counts-before", ids, TOO_EARLY, "sort_ids: "},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void send(bed *b, void (*scenario)(bed *b))
{
    queue_begin(b->q, NULL);
    scenario(b);
}

static void the_edit_is_named_in_every_order(void **state)
{
    bed *b = *state;
    int row = 0;
    while (strcmp(rows[row].edit, EDIT) != 0)
        assert_true(++row < ROWS);
    for (int k = 0; k < TIMES; k++) {
        send(b, rows[row].scenario);
        assert_int_equal(queue_end(b->q), ASSAY_FAILED);
        if (k == 0) print_message("    %s\n", queue_why(b->q));
        assert_true(rows[row].faults >> queue_fault(b->q) & 1);
        assert_non_null(strstr(queue_why(b->q), rows[row].says));
    }
}

static void without_an_edit_all_pass_in_every_order(void **state)
{
    bed *b = *state;
    for (int k = 0; k < TIMES * ROWS; k++) {
        send(b, rows[k % ROWS].scenario);
        assert_int_equal(queue_end(b->q), ASSAY_OK);
        assert_string_equal(queue_why(b->q), "");
    }
}

int main(void)
{
    const struct CMUnitTest edited[] = {cmocka_unit_test(the_edit_is_named_in_every_order)};
    const struct CMUnitTest honest[] = {cmocka_unit_test(without_an_edit_all_pass_in_every_order)};
    if (EDIT[0]) return cmocka_run_group_tests(edited, begin, end);
    return cmocka_run_group_tests(honest, begin, end);
}
