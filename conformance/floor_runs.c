/* floor_runs.c: runs the reference under rounding and keeps the worst errors.
 * SPDX-License-Identifier: MIT */
#include "conformance/floor_runs.h"

#include "conformance/oracle.h"

#include <math.h>
#include <stdlib.h>

/* phi and its kin of one run, kept where larger. A run may come out exact by luck, above all where few elements make up
 * the norm: the least that is kept is one unit roundoff of the store in the largest element of the tensor, or of a
 * row. */
static assay_status keep_larger(const assay_floor_job *j, const assay_values *run, assay_floor *floor)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(j->p, list);
    const double u = assay_unit_roundoff(j->declared->store);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        assay_metric m;
        assay_distance d;
        unsigned char *zero;
        if (!(j->wanted >> x->role & 1u) || !run->at[x->id] || !j->truth->at[x->id]) continue;
        assay_status st = assay_metric_make(j->p, j->given, x, &m, &zero);
        if (st != ASSAY_OK) return st;
        assay_distance_measure(&m, run->at[x->id], j->truth->at[x->id], &d);
        free(zero);
        double phi = d.norm_truth > 0 ? d.norm_d / d.norm_truth : 0;
        if (d.not_finite >= 0)
            phi = d.row_ratio = d.element_ratio = INFINITY; /* the arithmetic overflows here: ill-posed */
#pragma omp critical(assay_floor)
        {
            floor[x->id].phi = fmax(floor[x->id].phi, fmax(phi, u * d.unit));
            floor[x->id].phi_row = fmax(floor[x->id].phi_row, fmax(d.row_ratio, u * d.unit_row));
            floor[x->id].phi_element = fmax(floor[x->id].phi_element, d.element_ratio);
            floor[x->id].row_sum = fmax(floor[x->id].row_sum, d.row_sum);
        }
    }
    return ASSAY_OK;
}

/* A store in fp32 is what the accumulation made: the oracle does not round it. */
static int store_of(const assay_arithmetic *a)
{
    return a->store == ASSAY_FP32 ? ASSAY_FP64 : a->store;
}

assay_rounding assay_floor_exact(const assay_arithmetic *a)
{
    return (assay_rounding){.mode = ASSAY_ROUND_EXACT,
                            .operand = a->operand,
                            .accumulate = ASSAY_FP64,
                            .store = store_of(a),
                            .activation_ulp = 0.5,
                            .batch_scale = 1};
}

static assay_status one_run(const assay_floor_job *j, assay_evaluate *evaluate, assay_floor *floor)
{
    assay_values out;
    void *at[ASSAY_TENSORS];
    assay_status st = assay_values_make(j->p, j->wanted, &out);
    if (st != ASSAY_OK) return st;
    assay_values_join(j->given, &out, at);
    st = evaluate(j->p, at, j->step);
    if (st == ASSAY_OK) st = keep_larger(j, &out, floor);
    assay_values_free(&out);
    return st;
}

int assay_floor_more(double macs)
{
    return macs <= 2e4 ? 4 : 1;
}

/* Runs with other roundings and orders each. */
static assay_status random_runs(const assay_floor_job *j, const assay_rounding *rounding, assay_floor *floor,
                                int32_t *runs)
{
    const int count = ASSAY_FLOOR_RUNS * (j->more ? j->more : 1);
    assay_status worst = ASSAY_OK;
    *runs += count;
#pragma omp parallel for schedule(dynamic, 1)
    for (int run = 0; run < count; run++) {
        assay_rounding r = *rounding;
        r.seed += (uint64_t)run * 0x9E3779B97F4A7C15u;
        j->set(&r);
        const assay_status st = one_run(j, j->evaluate, floor);
        if (st != ASSAY_OK) {
#pragma omp critical(assay_floor_status)
            worst = st;
        }
    }
    return worst;
}

/* Errors of accumulation carry a value over a tie now and then: rare, and as large as a unit of the narrow format; what
 * a flip moves makes others flip. Two kinds of runs have flips forced upon them (docs/tolerance.md 3.3): every value
 * that an error may carry over goes the other way in one run; and of those that a flip before them may, a few in each.
 */
static const struct forced {
    double window; /* in unit roundoffs of the accumulation */
    int most;      /* uses of values that go the other way in one run, about; 0 = a share of all */
} forced[] = {{16, 0}, {1024, 8}};

static assay_status flipped_runs(const assay_floor_job *j, const struct forced *how, assay_floor *floor, int32_t *runs)
{
    assay_rounding exact = assay_floor_exact(j->declared);
    exact.window = how->window * assay_unit_roundoff(j->declared->accumulate);
    exact.seed = j->seed;
    exact.shares = ASSAY_FLOOR_RUNS;
    assay_status worst = ASSAY_OK;
    if (how->most) {
        assay_rounding_sr(&exact);
        worst = one_run(j, j->flipped, floor);
        exact.shares = (int32_t)fmax(ASSAY_FLOOR_RUNS, (double)(assay_rounding_near() / how->most));
    }
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < ASSAY_FLOOR_RUNS; k++) {
        assay_rounding r = exact;
        r.flip = 1 + k;
        assay_rounding_sr(&r);
        const assay_status st = one_run(j, j->flipped, floor);
        if (st != ASSAY_OK) {
#pragma omp critical(assay_floor_status)
            worst = st;
        }
    }
    *runs += ASSAY_FLOOR_RUNS;
    return worst;
}

/* Where a closed library may round: operands, stores, both; operands to nearest or cut. The first is what an arithmetic
 * that is not opaque declares. */
static const struct placement {
    int operand, store, how; /* 1 = in the declared format, else untouched; assay_operand_rounding */
} placements[] = {{1, 1, ASSAY_OPERAND_EVEN},
                  {1, 0, ASSAY_OPERAND_EVEN},
                  {0, 1, ASSAY_OPERAND_EVEN},
                  {1, 1, ASSAY_OPERAND_CUT},
                  {1, 0, ASSAY_OPERAND_CUT}};

/* A tie of TF32 may go either way: docs/decisions/0010. */
static const struct placement tied = {1, 1, ASSAY_OPERAND_AWAY};

static assay_status placed_runs(const assay_floor_job *j, const struct placement *at, assay_floor *floor, int32_t *runs)
{
    const assay_arithmetic *a = j->declared;
    assay_rounding r = {.mode = ASSAY_ROUND_STOCHASTIC,
                        .operand = at->operand ? a->operand : ASSAY_FP64,
                        .accumulate = a->accumulate,
                        .store = at->store ? a->store : ASSAY_FP64,
                        .activation_ulp = a->activation_ulp,
                        .batch_scale = j->batch_scale,
                        .seed = j->seed,
                        .operand_rounds = at->how};
    assay_status st = random_runs(j, &r, floor, runs);
    if (st != ASSAY_OK || !a->truncates) return st;
    r.mode = ASSAY_ROUND_TRUNCATE;
    return random_runs(j, &r, floor, runs);
}

assay_status assay_floor_measure(const assay_floor_job *j, assay_floor *floor, int32_t *runs)
{
    const int places = j->declared->opaque ? (int)(sizeof placements / sizeof *placements) : 1;
    assay_status st = ASSAY_OK;
    *runs = 0;
    for (int k = 0; k < places && st == ASSAY_OK; k++) {
        /* The noise build knows no other way. */
        if (placements[k].how != ASSAY_OPERAND_EVEN && j->set != assay_rounding_sr) continue;
        st = placed_runs(j, &placements[k], floor, runs);
    }
    if (st == ASSAY_OK && j->declared->operand == ASSAY_TF32 && !j->declared->opaque && j->set == assay_rounding_sr)
        st = placed_runs(j, &tied, floor, runs);
    const int flips = j->flipped && assay_arithmetic_is_narrow(j->declared) && !j->declared->opaque;
    for (size_t k = 0; flips && k < sizeof forced / sizeof *forced && st == ASSAY_OK; k++)
        st = flipped_runs(j, &forced[k], floor, runs);
    return st;
}
