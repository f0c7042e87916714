/* layers.c: a stack taken apart: layers are stacks of one with the mask between them, merged directions follow from
 * both halves, a projection can be multiplied into R. docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { INSIDE = ASSAY_RESET_AFTER_INSIDE, TWO = ASSAY_BIAS_TWO };

static const struct cell {
    const char *name;
    assay_dialect dialect;
    int proj;
} cells[] = {
    {"lstm.peephole.projection",
     {.cell = ASSAY_LSTM, .biases = TWO, .gru_reset = INSIDE, .peephole = 1, .forget_bias = 1},
     2},
    {"gru.before", {.cell = ASSAY_GRU, .biases = TWO, .gru_reset = ASSAY_RESET_BEFORE}, 0},
    {"relu.empty-zero",
     {.cell = ASSAY_RNN_RELU, .biases = TWO, .gru_reset = INSIDE, .empty_state = ASSAY_EMPTY_ZERO},
     0},
};
static const char *const merges[] = {"concat", "sum", "average", "multiply"};

static assay_problem stack_of(const struct cell *cell, int layers, int merge)
{
    const assay_kind kind = {cell->name, cell->dialect, cell->proj};
    assay_problem p = assay_kind_stack(&kind, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, layers, 2);
    p.dialect.merge = merge;
    return p;
}

/* ---- layers ---- */

/* What the upper layer reads of the lower one's y, or hands back of its dx: times the last mask by 1 - dropout, valid
 * rows. */
static void through_mask(const assay_specimen *whole, const assay_specimen *from, int id, assay_specimen *to, int id_to)
{
    const int width = assay_output_width(&whole->p);
    const int64_t planes = whole->p.layers - 2, plane = (int64_t)whole->p.t * whole->p.n * width;
    const double *mask = (double *)whole->d[ASSAY_MASK] + planes * plane, *a = from->d[id];
    double *b = to->d[id_to];
    for (int n = 0; n < whole->p.n; n++)
        for (int t = 0; t < assay_identity_length(whole, n); t++)
            for (int j = 0; j < width; j++) {
                const int at = (t * whole->p.n + n) * width + j;
                b[at] = a[at] * mask[at] / (1 - whole->p.dialect.dropout);
            }
}

static void taken_apart(assay_proofs *c, const struct cell *cell, int merge, int layers)
{
    const char *what = layers == 2 ? "identity: two layers = one and one" : "identity: three layers = two and one";
    const assay_problem p = stack_of(cell, layers, merge), below = stack_of(cell, layers - 1, merge);
    assay_problem above = stack_of(cell, 1, merge);
    const int lower_states = 2 * (layers - 1);
    assay_specimen whole, lower, upper;
    above.i = assay_output_width(&below);
    memset(&lower, 0, sizeof lower);
    memset(&upper, 0, sizeof upper);
    if (assay_kind_ragged(c, &p, &whole) && assay_identity_make(c, &below, 750, &lower) &&
        assay_identity_make(c, &above, 751, &upper)) {
        assay_view first = assay_view_valid(&whole), second = first;
        first.states = second.first = lower_states, second.states = 2;
        memcpy(lower.d[ASSAY_LENS], whole.d[ASSAY_LENS], ASSAY_KIND_SAMPLES * sizeof(int32_t));
        memcpy(upper.d[ASSAY_LENS], whole.d[ASSAY_LENS], ASSAY_KIND_SAMPLES * sizeof(int32_t));
        const assay_view to_first = assay_view_valid(&lower), to_second = assay_view_valid(&upper);
        static const int states[] = {ASSAY_H0, ASSAY_C0, ASSAY_DHN, ASSAY_DCN};
        static const int results[] = {ASSAY_HN, ASSAY_CN, ASSAY_DH0, ASSAY_DC0};
        for (int j = 0; j < 4; j++) {
            assay_view_copy(&first, &to_first, states[j]);
            assay_view_copy(&second, &to_second, states[j]);
        }
        assay_view_copy(&first, &to_first, ASSAY_X);
        assay_view_copy(&first, &to_first, ASSAY_MASK); /* all but the last */
        assay_view_copy(&second, &to_second, ASSAY_DY);
        assay_identity_parameters(&whole, 0, &lower, 0, lower_states);
        assay_identity_parameters(&whole, lower_states, &upper, 0, 2);
        int ran = assay_specimen_run(c, &lower);
        if (ran) through_mask(&whole, &lower, ASSAY_Y, &upper, ASSAY_X);
        ran = ran && assay_specimen_run(c, &upper);
        if (ran) through_mask(&whole, &upper, ASSAY_DX, &lower, ASSAY_DY);
        ran = ran && assay_specimen_run(c, &lower);
        for (int j = 0; ran && j < 4; j++) {
            assay_view_prove(c, what, &first, &to_first, results[j]);
            assay_view_prove(c, what, &second, &to_second, results[j]);
        }
        if (ran) assay_view_prove(c, what, &second, &to_second, ASSAY_Y);
        if (ran) assay_view_prove(c, what, &first, &to_first, ASSAY_DX);
        if (ran) assay_identity_gradients(c, what, &whole, 0, &lower, 0, lower_states);
        if (ran) assay_identity_gradients(c, what, &whole, lower_states, &upper, 0, 2);
    }
    assay_specimen_free(&whole);
    assay_specimen_free(&lower);
    assay_specimen_free(&upper);
}

/* ---- merged directions ---- */

/* One layer: the merged output from the halves of the concatenated one; their dy from that of the merged one. */
static void merged(assay_proofs *c, const struct cell *cell, int merge)
{
    const char *what = "identity: merged = from both halves";
    const assay_problem p = stack_of(cell, 1, merge), apart = stack_of(cell, 1, ASSAY_MERGE_CONCAT);
    const int width = assay_state_width(&p), rows = ASSAY_KIND_STEPS * ASSAY_KIND_SAMPLES;
    assay_specimen one, two;
    memset(&two, 0, sizeof two);
    if (assay_kind_ragged(c, &p, &one) && assay_identity_make(c, &apart, 760, &two)) {
        const double *dy = one.d[ASSAY_DY], *y = two.d[ASSAY_Y];
        double *halves = two.d[ASSAY_DY], want[ASSAY_IDENTITY_ROOM];
        assay_identity_share(&one, &two); /* all but dy, which is wider */
        int ran = assay_specimen_run(c, &two);
        for (int k = 0; k < rows * width; k++) {
            const int at = k / width * 2 * width + k % width;
            const double f = y[at], r = y[at + width];
            want[k] = merge == ASSAY_MERGE_MULTIPLY ? f * r : merge == ASSAY_MERGE_AVERAGE ? f / 2 + r / 2 : f + r;
            halves[at] = merge == ASSAY_MERGE_MULTIPLY ? dy[k] * r : merge == ASSAY_MERGE_AVERAGE ? dy[k] / 2 : dy[k];
            halves[at + width] = merge == ASSAY_MERGE_MULTIPLY ? dy[k] * f : halves[at];
        }
        ran = ran && assay_specimen_run(c, &two);
        if (ran) {
            const assay_view got = assay_view_whole(&one), from = assay_view_whole(&two);
            static const int results[] = {ASSAY_HN, ASSAY_CN, ASSAY_DX, ASSAY_DH0, ASSAY_DC0};
            assay_identity_prove(c, "y", what, assay_identity_distance(one.d[ASSAY_Y], want, rows * width));
            for (int j = 0; j < 5; j++)
                assay_view_prove(c, what, &got, &from, results[j]);
            assay_identity_gradients(c, what, &one, 0, &two, 0, 2);
        }
    }
    assay_specimen_free(&one);
    assay_specimen_free(&two);
}

/* ---- projection ---- */

/* to (rows, n) += a (rows, m) b (m, n); turned: a is (m, rows), read across. */
static void product(int turned, int rows, int m, int n, const double *a, const double *b, double *to)
{
    for (int k = 0; k < rows * n; k++)
        for (int j = 0; j < m; j++)
            to[k] += a[turned ? j * rows + k / n : k / n * m + j] * b[j * n + k % n];
}

/* to (rows, n) += a (rows, m) b^T, b (n, m). */
static void product_across(int rows, int m, int n, const double *a, const double *b, double *to)
{
    for (int k = 0; k < rows * n; k++)
        for (int j = 0; j < m; j++)
            to[k] += a[k / n * m + j] * b[k % n * m + j];
}

static double *cleared(assay_specimen *s, int id)
{
    memset(s->d[id], 0, (size_t)assay_identity_size(s, id) * sizeof(double));
    return s->d[id];
}

/* Where h = WP m, the LSTM with R' = R WP and without a projection has the same cells, and m as its output:
 * dm = WP' dh, dR = dR' WP', dWP = R' dR' + dh m' for each dh from outside, less what m0 has given dR' (h0 is given).
 */
static void projection(assay_proofs *c)
{
    enum { H = ASSAY_KIND_CELLS, S = 2, N = 3, T = 4, G = 4 * H };
    const char *what = "identity: projection = R WP without one";
    assay_kind kind = {
        "", {.cell = ASSAY_LSTM, .biases = TWO, .gru_reset = INSIDE, .peephole = 1, .cell_clip = 0.5}, S};
    const assay_problem p = assay_kind_stack(&kind, T, N, 1, 1);
    const int r = assay_tensor_id(ASSAY_PARAM, ASSAY_R), dr = assay_tensor_id(ASSAY_DPARAM, ASSAY_R);
    const int dwp = assay_tensor_id(ASSAY_DPARAM, ASSAY_PROJECTION);
    assay_specimen a, b;
    kind.proj = 0;
    const assay_problem plain = assay_kind_stack(&kind, T, N, 1, 1);
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "lstm.peephole.clip");
    if (assay_identity_make(c, &p, 770, &a) && assay_identity_make(c, &plain, 771, &b)) {
        const double *wp = assay_identity_parameter(&a, ASSAY_PARAM, 0, ASSAY_PROJECTION);
        const double *m0 = b.d[ASSAY_H0], *m = b.d[ASSAY_Y];
        double hn[N * S] = {0}, dm0[N * H] = {0}, dr_want[G * S] = {0}, dwp_want[S * H] = {0}, y[T * N * S] = {0};
        double less[S * H] = {0};
        double *const r_plain = b.d[r];
        memcpy(b.d[ASSAY_X], a.d[ASSAY_X], (size_t)assay_identity_size(&a, ASSAY_X) * sizeof(double));
        memcpy(b.d[ASSAY_C0], a.d[ASSAY_C0], sizeof(double[N * H]));
        memcpy(b.d[ASSAY_DCN], a.d[ASSAY_DCN], sizeof(double[N * H]));
        static const int same[] = {ASSAY_W, ASSAY_B_IH, ASSAY_B_HH, ASSAY_PEEPHOLE};
        for (int j = 0; j < 4; j++) {
            const int id = assay_tensor_id(ASSAY_PARAM, same[j]);
            memcpy(b.d[id], a.d[id], (size_t)assay_identity_size(&a, id) * sizeof(double));
        }
        memset(r_plain, 0, sizeof(double[G * H]));
        product(0, G, S, H, a.d[r], wp, r_plain);
        product_across(N, H, S, m0, wp, cleared(&a, ASSAY_H0));
        product(0, T * N, S, H, a.d[ASSAY_DY], wp, cleared(&b, ASSAY_DY));
        product(0, N, S, H, a.d[ASSAY_DHN], wp, cleared(&b, ASSAY_DHN));
        if (assay_specimen_run(c, &a) && assay_specimen_run(c, &b)) {
            const assay_view got = assay_view_whole(&a), want = assay_view_whole(&b);
            static const int results[] = {ASSAY_CN, ASSAY_DX, ASSAY_DC0};
            for (int j = 0; j < 3; j++)
                assay_view_prove(c, what, &got, &want, results[j]);
            product_across(T * N, H, S, m, wp, y);
            product_across(N, H, S, b.d[ASSAY_HN], wp, hn);
            product(0, N, S, H, a.d[ASSAY_DH0], wp, dm0);
            product_across(G, H, S, b.d[dr], wp, dr_want);
            product(1, S, G, H, a.d[r], b.d[dr], dwp_want);
            product(1, S, T * N, H, a.d[ASSAY_DY], m, dwp_want);
            product(1, S, N, H, a.d[ASSAY_DHN], b.d[ASSAY_HN], dwp_want);
            product(1, S, N, H, a.d[ASSAY_DH0], m0, less);
            for (int j = 0; j < S * H; j++)
                dwp_want[j] -= less[j];
            assay_identity_prove(c, "y", what, assay_identity_distance(a.d[ASSAY_Y], y, T * N * S));
            assay_identity_prove(c, "hn", what, assay_identity_distance(a.d[ASSAY_HN], hn, N * S));
            assay_identity_prove(c, "dh0", what, assay_identity_distance(dm0, b.d[ASSAY_DH0], N * H));
            assay_identity_prove(c, "dR.l0.f", what, assay_identity_distance(a.d[dr], dr_want, G * S));
            assay_identity_prove(c, "dWP.l0.f", what, assay_identity_distance(a.d[dwp], dwp_want, S * H));
            for (int j = 0; j < 4; j++) {
                const int id = assay_tensor_id(ASSAY_DPARAM, same[j]);
                assay_tensor x;
                (void)assay_tensor_find(&p, id, &x);
                assay_identity_prove(c, x.name, what, assay_identity_distance(a.d[id], b.d[id], x.count));
            }
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

void assay_identities_layers(assay_proofs *c)
{
    c->op = "rnn";
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
        for (int merge = ASSAY_MERGE_CONCAT; merge <= ASSAY_MERGE_MULTIPLY; merge++) {
            snprintf(c->dialect, sizeof c->dialect, "%s.%s", cells[k].name, merges[merge]);
            for (int layers = 2; layers <= 3; layers++)
                taken_apart(c, &cells[k], merge, layers);
            if (merge != ASSAY_MERGE_CONCAT) merged(c, &cells[k], merge);
        }
    projection(c);
}
