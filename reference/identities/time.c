/* time.c: what is known of a stack whose steps are moved: cut in two, cut short backward, turned round.
 * docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <math.h>
#include <string.h>

enum { CUT = 4, LAST = 2 };

/* The problem of the steps first .. first+t-1 of each row of a. Its view of a goes to *from. */
static int make_part(assay_proofs *c, const assay_kind *k, const assay_specimen *a, const int first[ASSAY_KIND_SAMPLES],
                     int t, assay_specimen *part, assay_view *from)
{
    const assay_problem p = assay_kind_stack(k, t, ASSAY_KIND_SAMPLES, a->p.layers, 1);
    if (!assay_kind_like(c, &p, a, part)) return 0;
    *from = assay_view_valid(a);
    for (int n = 0; n < ASSAY_KIND_SAMPLES; n++) {
        const int left = assay_identity_length(a, n) - first[n];
        from->start[n] = first[n];
        from->count[n] = left < 0 ? 0 : left < t ? left : t;
        ((int32_t *)part->d[ASSAY_LENS])[n] = from->count[n];
    }
    const assay_view to = assay_view_valid(part);
    assay_view_share(from, &to);
    return 1;
}

static void carry(const assay_specimen *from, int h, int cell, const assay_specimen *to, int h_to, int c_to)
{
    memcpy(to->d[h_to], from->d[h], (size_t)assay_identity_size(from, h) * sizeof(double));
    if (from->d[cell]) memcpy(to->d[c_to], from->d[cell], (size_t)assay_identity_size(from, cell) * sizeof(double));
}

/* All steps = the first, then the rest from where they ended; backward the other way round. */
static void split_time(assay_proofs *c, const assay_kind *k)
{
    const char *what = "identity: time split, the state carried";
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 1);
    static const int start[ASSAY_KIND_SAMPLES] = {0}, rest[ASSAY_KIND_SAMPLES] = {CUT, CUT, CUT, CUT};
    assay_specimen a, one, two;
    assay_view of_one, of_two;
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    if (assay_kind_ragged(c, &p, &a) && make_part(c, k, &a, start, CUT, &one, &of_one) &&
        make_part(c, k, &a, rest, ASSAY_KIND_STEPS - CUT, &two, &of_two) && assay_specimen_run(c, &one)) {
        carry(&one, ASSAY_HN, ASSAY_CN, &two, ASSAY_H0, ASSAY_C0);
        if (assay_specimen_run(c, &two)) {
            const assay_view first = assay_view_valid(&one), second = assay_view_valid(&two);
            carry(&two, ASSAY_DH0, ASSAY_DC0, &one, ASSAY_DHN, ASSAY_DCN);
            (void)assay_specimen_run(c, &one);
            static const int of_rows[] = {ASSAY_Y, ASSAY_DX}, before[] = {ASSAY_DH0, ASSAY_DC0},
                             after[] = {ASSAY_HN, ASSAY_CN};
            for (int j = 0; j < 2; j++) {
                assay_view_prove(c, what, &first, &of_one, of_rows[j]);
                assay_view_prove(c, what, &second, &of_two, of_rows[j]);
                assay_view_prove(c, what, &first, &of_one, before[j]);
                assay_view_prove(c, what, &second, &of_two, after[j]);
            }
            assay_identity_add(&one, &two);
            assay_identity_gradients(c, what, &two, 0, &a, 0, assay_identity_stacked(&a));
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&one);
    assay_specimen_free(&two);
}

/* Backward of the last steps of each row = that of a problem that starts there; before them nothing is left. */
static void last_steps(assay_proofs *c, const assay_kind *k)
{
    const char *what = "identity: cut backward = of the last steps";
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 1);
    assay_problem cut = p;
    static const int start[ASSAY_KIND_SAMPLES] = {0};
    int tail[ASSAY_KIND_SAMPLES];
    assay_specimen a, whole, one, two;
    assay_view of_one, of_two;
    memset(&whole, 0, sizeof whole);
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    cut.dialect.bptt_steps = LAST;
    int made = assay_kind_ragged(c, &p, &a) && assay_kind_ragged(c, &cut, &whole);
    for (int n = 0; made && n < ASSAY_KIND_SAMPLES; n++)
        tail[n] = assay_identity_length(&a, n) > LAST ? assay_identity_length(&a, n) - LAST : 0;
    made = made && make_part(c, k, &a, start, ASSAY_KIND_STEPS - LAST, &one, &of_one);
    for (int n = 0; made && n < ASSAY_KIND_SAMPLES; n++)
        of_one.count[n] = ((int32_t *)one.d[ASSAY_LENS])[n] = tail[n];
    if (made && make_part(c, k, &a, tail, LAST, &two, &of_two) && assay_specimen_run(c, &one)) {
        carry(&one, ASSAY_HN, ASSAY_CN, &two, ASSAY_H0, ASSAY_C0);
        if (assay_specimen_run(c, &two)) {
            assay_view last = of_two, early = of_one, none = assay_view_valid(&one);
            last.s = early.s = &whole;
            for (int q = 0; q < assay_identity_stacked(&two) * ASSAY_KIND_SAMPLES; q++) {
                const int width = assay_state_width(&two.p), n = q % ASSAY_KIND_SAMPLES;
                if (tail[n] == 0) continue;
                memset((double *)two.d[ASSAY_DH0] + q * width, 0, (size_t)width * sizeof(double));
                if (two.d[ASSAY_DC0])
                    memset((double *)two.d[ASSAY_DC0] + q * ASSAY_KIND_CELLS, 0, ASSAY_KIND_CELLS * sizeof(double));
            }
            memset(one.d[ASSAY_DX], 0, (size_t)assay_identity_size(&one, ASSAY_DX) * sizeof(double));
            const assay_view second = assay_view_valid(&two);
            assay_view_same(c, what, &last, &second);
            assay_view_prove(c, "identity: cut backward leaves dx before it 0", &early, &none, ASSAY_DX);
            assay_identity_gradients(c, what, &whole, 0, &two, 0, assay_identity_stacked(&two));
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&whole);
    assay_specimen_free(&one);
    assay_specimen_free(&two);
}

/* Two directions are two stacks of one: the reverse direction is the forward one on each sample turned round within its
 * length, not on the padded tensor. What each leaves in dx adds up. */
static void turned_round(assay_proofs *c, const assay_kind *k)
{
    const char *const what[] = {"identity: forward half = forward alone", "identity: reverse half = turned round"};
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 1, 2),
                        half = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 1, 1);
    assay_specimen both, alone;
    double got[ASSAY_IDENTITY_ROOM], sum[ASSAY_IDENTITY_ROOM] = {0}, part[ASSAY_IDENTITY_ROOM];
    int ran = assay_kind_ragged(c, &p, &both);
    int64_t count = 0;
    for (int e = 0; ran && e < 2; e++) {
        if (assay_identity_make(c, &half, 713, &alone)) {
            assay_view from = assay_view_valid(&both);
            from.flip = from.first = e, from.states = 1;
            from.width = assay_state_width(&p), from.column = e * from.width;
            memcpy(alone.d[ASSAY_LENS], both.d[ASSAY_LENS], ASSAY_KIND_SAMPLES * sizeof(int32_t));
            const assay_view to = assay_view_valid(&alone);
            assay_view back = to;
            back.flip = e;
            assay_view_share(&from, &to);
            assay_identity_parameters(&both, e, &alone, 0, 1);
            ran = assay_specimen_run(c, &alone);
            static const int results[] = {ASSAY_Y, ASSAY_HN, ASSAY_CN, ASSAY_DH0, ASSAY_DC0};
            for (int j = 0; ran && j < 5; j++)
                assay_view_prove(c, what[e], &from, &to, results[j]);
            if (ran) assay_identity_gradients(c, what[e], &both, e, &alone, 0, 1);
            count = assay_view_read(&back, ASSAY_DX, part);
            for (int64_t j = 0; j < count; j++)
                sum[j] += part[j];
        } else
            ran = 0;
        assay_specimen_free(&alone);
    }
    const assay_view valid = ran ? assay_view_valid(&both) : (assay_view){0};
    if (ran) {
        const int fits = count > 0 && assay_view_read(&valid, ASSAY_DX, got) == count;
        assay_identity_prove(c, "dx", "identity: dx of both directions adds up",
                             fits ? assay_identity_distance(got, sum, count) : NAN);
    }
    assay_specimen_free(&both);
}

void assay_identities_time(assay_proofs *c, const assay_kind *k)
{
    split_time(c, k);
    last_steps(c, k);
    turned_round(c, k);
}
