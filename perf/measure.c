/* measure.c: rounds of blocks. A block puts its numbers in place outside the clock and takes a few samples from them.
 * SPDX-License-Identifier: MIT
 *
 * What a worker sees is the same in every block and after every call, whether the parent will judge it or not: numbers
 * that it never saw, one call, the same reading. So nothing can be remembered, and nothing tells where to be honest. */
#include "perf/measure.h"

#include "conformance/clock.h"
#include "perf/disturbance.h"
#include "perf/stats.h"
#include "reference/data.h"

#include <math.h>
#include <string.h>

#define BLOCK_SECONDS        0.5 /* a block has several steps where everybody's are shorter than this, else one */
#define ROUNDS_BETWEEN_TESTS 4   /* of the samples: the bootstrap itself takes time */
#define WARM_UP_SECONDS      0.2 /* a second warm-up call only if the first was shorter than 10 times this ... */
#define WARM_UPS_MOST        6   /* ... and up to so many where they are shorter than this */

#define FORWARD_ROLE  (1u << ASSAY_ROLE_FORWARD)
#define GRADIENT_ROLE (1u << ASSAY_ROLE_GRADIENT)
#define UPDATED_ROLE  (1u << ASSAY_ROLE_UPDATED)
#define ALL_ROLES     (FORWARD_ROLE | GRADIENT_ROLE | UPDATED_ROLE)

static int32_t draw(assay_measurement *m, int32_t count)
{
    return (int32_t)(count * assay_random_uniform(m->schedule, 0, m->draws++));
}

static void drop(assay_kept_block *k)
{
    assay_values_free(&k->got);
    assay_values_free(&k->params);
    k->held = 0;
}

static void drop_readings(assay_entrant *e)
{
    for (int k = 0; k < ASSAY_BLOCK_SAMPLES; k++)
        assay_values_free(&e->reading[k]);
}

void assay_entrant_forget(assay_entrant *e)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        assay_series_free(&e->series[phase]);
        assay_series_free(&e->packing[phase]);
        assay_series_free(&e->unpacking[phase]);
        assay_series_free(&e->ahead[phase]);
    }
    drop(&e->first);
    drop(&e->later);
    drop(&e->phases);
    drop(&e->infer);
    drop(&e->forward_loss);
    drop_readings(e);
}

void assay_entrant_free(assay_entrant *e)
{
    assay_entrant_forget(e);
    assay_rig_end(&e->rig);
    memset(e, 0, sizeof *e);
}

void assay_measurement_free(assay_measurement *m)
{
    assay_values_free(&m->fresh);
}

/* Numbers for the next round. */
static int next_round(assay_measurement *m)
{
    m->block++;
    m->state = draw(m, ASSAY_STATES);
    return assay_state_block(m->workload, m->seed, m->state, m->block, &m->states[m->state], &m->fresh, &m->view) ==
           ASSAY_OK;
}

/* A pack or unpack: no sample of a record, and yet a time that may say that work is hidden there. */
static int add_beside(assay_entrant *e, assay_series *s, const assay_timing *t)
{
    s->disturbed += assay_disturbance_counts(assay_disturbance_lost(t, e->rig.given), t->seconds);
    return assay_series_add(s, t->seconds, t->worker_seconds) ||
           assay_rig_fail(&e->rig, ASSAY_VERDICT_BROKEN, "no memory for samples");
}

static int pack(assay_entrant *e, assay_phase before)
{
    static const assay_call call = {.kind = ASSAY_CALL_PACK};
    assay_timing t;
    return assay_rig_run(&e->rig, &call, 1, &t) && add_beside(e, &e->packing[before], &t);
}

static int unpack(assay_entrant *e, assay_phase after, unsigned roles, assay_values *out)
{
    assay_timing t;
    if (!assay_rig_unpack(&e->rig, &t)) return 0;
    assay_rig_read(&e->rig, roles, out);
    return add_beside(e, &e->unpacking[after], &t);
}

static int sample(assay_measurement *m, assay_entrant *e, assay_phase phase, int64_t step)
{
    const double ahead = assay_rig_ahead(&e->rig);
    if (!assay_timer_sample(m->gbench, m->workload->id, &e->rig, phase, step, &e->series[phase])) return 0;
    if (phase != ASSAY_PHASE_PACK) assay_rig_mark(&e->rig); /* what a pack under the clock does is ahead of forward */
    return assay_series_add(&e->ahead[phase], ahead, ahead) ||
           assay_rig_fail(&e->rig, ASSAY_VERDICT_BROKEN, "no memory for samples");
}

static void exchange(assay_values *a, assay_values *b)
{
    assay_values other = *a;
    *a = *b;
    *b = other;
}

static double last_of(const assay_entrant *e, assay_phase phase)
{
    const assay_series *s = &e->series[phase];
    return s->seconds[s->count - 1];
}

/* The fastest call is the one that is judged: work is left out to be fast, so a call that left some out is looked at,
 * and which one that will be is not known before it is over. */
static int is_fastest(const assay_kept_block *k, double seconds)
{
    return !k->held || seconds < k->seconds[0];
}

/* The reading becomes what is kept; what was kept before is room for the next reading. */
static void keep(const assay_measurement *m, assay_kept_block *k, int64_t step, double seconds, assay_values *reading)
{
    exchange(&k->got, reading);
    k->held = 1;
    k->seconds[0] = seconds;
    k->state = m->state;
    k->block = m->block;
    k->step = step;
}

/* ---- warming up ---- */

/* Numbers in place and packed, but no pack that counts. */
static int put(assay_entrant *e, const assay_values *numbers)
{
    static const assay_call call = {.kind = ASSAY_CALL_PACK};
    return assay_rig_store(&e->rig, numbers) && assay_rig_run(&e->rig, &call, 1, NULL);
}

int assay_measure_warm_up(assay_measurement *m, assay_entrant *e)
{
    double first, second;
    if (!assay_rig_store(&e->rig, &m->states[0]) || !pack(e, ASSAY_PHASE_STEP)) return 0;
    if (!assay_timer_warm(&e->rig, ASSAY_PHASE_STEP, 0, &first)) return 0;
    second = first;
    if (first < 10 * WARM_UP_SECONDS && !assay_timer_warm(&e->rig, ASSAY_PHASE_STEP, 1, &second)) return 0;
    e->estimate = second;
    return 1;
}

int assay_measure_estimate(assay_entrant *e)
{
    double *least = &e->estimate;
    for (int64_t k = 2; k < WARM_UPS_MOST && *least < WARM_UP_SECONDS; k++) {
        double seconds;
        if (!assay_timer_again(&e->rig, ASSAY_PHASE_STEP, k, &seconds)) return 0;
        *least = fmin(*least, seconds);
    }
    return 1;
}

/* What is timed in one group of phases: the calls of a block, and those that a plan has to have had before them, on
 * numbers that don't come again; *seconds: what those took. */
typedef struct block_kind {
    assay_phase from, to;
    int (*warm_up)(assay_entrant *e, const assay_values *numbers, double *seconds);
    void (*block)(assay_measurement *m, assay_entrant *e);
} block_kind;

static int warm_up_one(assay_entrant *e, const assay_values *numbers, assay_phase phase, double *seconds)
{
    return put(e, numbers) && assay_timer_warm(&e->rig, phase, 0, seconds);
}

static int warm_up_step(assay_entrant *e, const assay_values *numbers, double *seconds)
{
    return warm_up_one(e, numbers, ASSAY_PHASE_STEP, seconds) && assay_rig_unpack(&e->rig, NULL);
}

static int warm_up_phases(assay_entrant *e, const assay_values *numbers, double *seconds)
{
    static const assay_phase order[] = {ASSAY_PHASE_PACK, ASSAY_PHASE_FORWARD, ASSAY_PHASE_LOSS, ASSAY_PHASE_BACKWARD,
                                        ASSAY_PHASE_UPDATE};
    *seconds = 0;
    if (!assay_rig_store(&e->rig, numbers)) return 0;
    for (int p = 0; p < 5; p++) {
        double took;
        if (!assay_timer_warm(&e->rig, order[p], 0, &took)) return 0;
        *seconds += took;
    }
    return assay_rig_unpack(&e->rig, NULL);
}

static int warm_up_infer(assay_entrant *e, const assay_values *numbers, double *seconds)
{
    return warm_up_one(e, numbers, ASSAY_PHASE_INFER, seconds);
}

static int warm_up_forward_loss(assay_entrant *e, const assay_values *numbers, double *seconds)
{
    return warm_up_one(e, numbers, ASSAY_PHASE_FORWARD_LOSS, seconds);
}

/* Who takes turns in memory gets a plan for one block, which has had its first calls when the block comes. */
static int wake(assay_measurement *m, assay_entrant *e, const block_kind *kind)
{
    double seconds = 0;
    if (!assay_rig_plan(&e->rig, &m->states[0]) || !kind->warm_up(e, &m->states[0], &seconds)) return 0;
    return seconds > 10 * WARM_UP_SECONDS || kind->warm_up(e, &m->states[0], &seconds);
}

/* ---- training steps ---- */

static int read_step(assay_entrant *e, assay_values *out)
{
    if (!assay_rig_room(&e->rig, ALL_ROLES, out)) return 0;
    assay_rig_read(&e->rig, FORWARD_ROLE, out);
    return unpack(e, ASSAY_PHASE_STEP, GRADIENT_ROLE | UPDATED_ROLE, out);
}

/* The block with the fastest step, by its first one and by the fastest of those after it. */
static void keep_steps(assay_measurement *m, assay_entrant *e)
{
    const double *took = e->series[ASSAY_PHASE_STEP].seconds + e->series[ASSAY_PHASE_STEP].count - m->block_samples;
    double fastest = took[0];
    int later = m->block_samples > 1;
    for (int k = 1; k < m->block_samples; k++) {
        if (took[k] < took[later]) later = k;
        fastest = fmin(fastest, took[k]);
    }
    if (!is_fastest(&e->first, fastest)) return;
    if (later == 1)
        assay_values_free(&e->later.params);
    else if (later > 1)
        exchange(&e->later.params, &e->reading[later - 1]);
    if (later) keep(m, &e->later, m->steps[m->state] + later, fastest, &e->reading[later]);
    keep(m, &e->first, m->steps[m->state], fastest, &e->reading[0]);
}

static void step_block(assay_measurement *m, assay_entrant *e)
{
    if (!assay_rig_store(&e->rig, &m->view) || !pack(e, ASSAY_PHASE_STEP)) return;
    for (int k = 0; k < m->block_samples; k++)
        if (!sample(m, e, ASSAY_PHASE_STEP, m->steps[m->state] + k) || !read_step(e, &e->reading[k])) return;
    keep_steps(m, e);
    if (m->block_samples == 1) drop_readings(e); /* large networks: memory counts, and the time for it doesn't */
}

/* ---- pack, forward, loss, backward, update one after the other ---- */

static double slowest_of(const assay_series *s)
{
    double slowest = 0;
    for (int32_t k = 0; k < s->count; k++)
        slowest = fmax(slowest, s->seconds[k]);
    return slowest;
}

/* Forward and backward hold the work. The round counts in which either was fastest against its own slowest: sleeping in
 * one does not hide what is left out of the other. */
static void keep_phases(assay_measurement *m, assay_entrant *e, int64_t step, assay_values *now)
{
    const double slowest[] = {slowest_of(&e->series[ASSAY_PHASE_FORWARD]),
                              slowest_of(&e->series[ASSAY_PHASE_BACKWARD])};
    const double took[] = {last_of(e, ASSAY_PHASE_FORWARD), last_of(e, ASSAY_PHASE_BACKWARD)};
    const double *kept = e->phases.seconds;
    if (e->phases.held &&
        !(fmin(took[0] / slowest[0], took[1] / slowest[1]) < fmin(kept[0] / slowest[0], kept[1] / slowest[1])))
        return;
    keep(m, &e->phases, step, took[0], now);
    e->phases.seconds[1] = took[1];
}

static void phases_block(assay_measurement *m, assay_entrant *e)
{
    assay_values *now = &e->reading[0];
    int64_t step = m->steps[m->state];
    if (!assay_rig_store(&e->rig, &m->view) || !assay_rig_room(&e->rig, ALL_ROLES, now)) return;
    if (!sample(m, e, ASSAY_PHASE_PACK, step) || !sample(m, e, ASSAY_PHASE_FORWARD, step)) return;
    assay_rig_read(&e->rig, FORWARD_ROLE, now);
    if (!sample(m, e, ASSAY_PHASE_LOSS, step)) return;
    assay_rig_read_one(&e->rig, ASSAY_LOSS, now);
    assay_rig_read_one(&e->rig, ASSAY_LOSS_ROWS, now);
    if (!sample(m, e, ASSAY_PHASE_BACKWARD, step) || !unpack(e, ASSAY_PHASE_BACKWARD, GRADIENT_ROLE, now)) return;
    if (!sample(m, e, ASSAY_PHASE_UPDATE, step) || !unpack(e, ASSAY_PHASE_UPDATE, UPDATED_ROLE, now)) return;
    keep_phases(m, e, step, now);
}

/* ---- forward only ---- */

static void infer_block(assay_measurement *m, assay_entrant *e)
{
    assay_values *now = &e->reading[0];
    if (!assay_rig_store(&e->rig, &m->view) || !pack(e, ASSAY_PHASE_INFER)) return;
    if (!assay_rig_room(&e->rig, FORWARD_ROLE, now)) return;
    if (!sample(m, e, ASSAY_PHASE_INFER, 0)) return;
    assay_values_drop(now, ASSAY_LOSS); /* INFER of a network ends at the logits */
    assay_values_drop(now, ASSAY_LOSS_ROWS);
    assay_rig_read(&e->rig, FORWARD_ROLE, now);
    double took = last_of(e, ASSAY_PHASE_INFER);
    if (is_fastest(&e->infer, took)) keep(m, &e->infer, m->steps[m->state], took, now);
}

static void forward_loss_block(assay_measurement *m, assay_entrant *e)
{
    assay_values *now = &e->reading[0];
    if (!assay_rig_store(&e->rig, &m->view) || !pack(e, ASSAY_PHASE_FORWARD_LOSS)) return;
    if (!assay_rig_room(&e->rig, FORWARD_ROLE, now)) return;
    if (!sample(m, e, ASSAY_PHASE_FORWARD_LOSS, 0)) return;
    assay_rig_read(&e->rig, FORWARD_ROLE, now);
    double took = last_of(e, ASSAY_PHASE_FORWARD_LOSS);
    if (is_fastest(&e->forward_loss, took)) keep(m, &e->forward_loss, m->steps[m->state], took, now);
}

/* ---- rounds ---- */

static void run_block(assay_measurement *m, assay_entrant *e, const block_kind *kind)
{
    if (!e->turns) {
        kind->block(m, e);
        return;
    }
    if (wake(m, e, kind)) kind->block(m, e);
    assay_rig_park(&e->rig);
}

static int enough(const assay_measurement *m, const assay_entrant *e, const block_kind *kind, int time_is_up)
{
    for (int phase = kind->from; phase <= (int)kind->to; phase++) {
        const assay_series *s = &e->series[phase];
        if (s->count < ASSAY_SAMPLES_LEAST) return 0;
        if (!time_is_up && !assay_stats_settled(s->seconds, s->count, m->schedule)) return 0;
    }
    return 1;
}

static int any_alive(assay_entrant *const *entrants, int count)
{
    int alive = 0;
    for (int k = 0; k < count; k++)
        alive |= entrants[k]->rig.verdict == ASSAY_VERDICT_PASS;
    return alive;
}

static void no_numbers(assay_entrant *const *entrants, int count)
{
    for (int k = 0; k < count; k++)
        assay_rig_fail(&entrants[k]->rig, ASSAY_VERDICT_BROKEN, "no memory for the numbers of a block");
}

/* A round in which somebody waited for a processor is nobody's: samples stand side by side. 1 if it was such a one. */
static int set_aside(assay_entrant *const *entrants, int count, const assay_round_mark *marks)
{
    int disturbed = 0;
    for (int k = 0; k < count; k++)
        disturbed |= entrants[k]->rig.verdict == ASSAY_VERDICT_PASS && assay_round_disturbed(entrants[k], &marks[k]);
    for (int k = 0; k < count && disturbed; k++)
        assay_round_set_aside(entrants[k], &marks[k]);
    return disturbed;
}

/* Rounds of one block each, in a new random order every time; all go on as long as one is not settled, so that the
 * samples of any two stand side by side. Of those that were disturbed as many are taken again as there are others, and
 * one. */
static void rounds(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds,
                   const block_kind *kind)
{
    double end = assay_clock() + seconds;
    int order[ASSAY_MOST_ENTRANTS], going = count > 0, round = 0, again = 0;
    assay_round_mark marks[ASSAY_MOST_ENTRANTS];
    for (int k = 0; k < count; k++) {
        order[k] = k;
        drop_readings(entrants[k]);
    }
    while (going) {
        if (!next_round(m)) {
            no_numbers(entrants, count);
            return;
        }
        for (int k = 0; k < count; k++)
            assay_round_begin(entrants[k], &marks[k]);
        for (int k = count - 1; k > 0; k--) {
            int other = draw(m, k + 1), swap = order[k];
            order[k] = order[other];
            order[other] = swap;
        }
        for (int k = 0; k < count; k++) {
            if (m->stop && m->stop(m->user)) return;
            assay_entrant *e = entrants[order[k]];
            if (e->rig.verdict != ASSAY_VERDICT_PASS) continue;
            run_block(m, e, kind);
        }
        int time_is_up = assay_clock() > end;
        if (!time_is_up && again <= round && set_aside(entrants, count, marks)) {
            again++;
            continue;
        }
        if (++round % ROUNDS_BETWEEN_TESTS && !time_is_up && any_alive(entrants, count)) continue;
        going = 0;
        for (int k = 0; k < count; k++)
            going |= entrants[k]->rig.verdict == ASSAY_VERDICT_PASS && !enough(m, entrants[k], kind, time_is_up);
    }
}

static void drop_all_readings(assay_entrant *const *entrants, int count)
{
    for (int k = 0; k < count; k++)
        drop_readings(entrants[k]);
}

int assay_measure_short(assay_entrant *const *entrants, int count)
{
    for (int k = 0; k < count; k++)
        if (entrants[k]->estimate > BLOCK_SECONDS) return 0;
    return 1;
}

static const block_kind steps = {ASSAY_PHASE_STEP, ASSAY_PHASE_STEP, warm_up_step, step_block};

int assay_measure_wake(assay_measurement *m, assay_entrant *e)
{
    return wake(m, e, &steps);
}

void assay_measure_steps(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    m->block_samples = assay_measure_short(entrants, count) ? ASSAY_BLOCK_SAMPLES : 1;
    rounds(m, entrants, count, seconds, &steps);
    drop_all_readings(entrants, count);
}

static void group(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds,
                  const block_kind *kind)
{
    int logits = kind->from != ASSAY_PHASE_FORWARD_LOSS;
    double unused;
    if (!next_round(m)) no_numbers(entrants, count);
    for (int k = 0; k < count; k++)
        if ((!logits || assay_rig_logits(&entrants[k]->rig, 1)) && !entrants[k]->turns)
            kind->warm_up(entrants[k], &m->view, &unused);
    rounds(m, entrants, count, seconds, kind);
    drop_all_readings(entrants, count);
    for (int k = 0; k < count && logits; k++)
        assay_rig_logits(&entrants[k]->rig, 0);
}

void assay_measure_phases(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    static const block_kind kind = {ASSAY_PHASE_PACK, ASSAY_PHASE_UPDATE, warm_up_phases, phases_block};
    group(m, entrants, count, seconds, &kind);
}

void assay_measure_infer(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    static const block_kind kind = {ASSAY_PHASE_INFER, ASSAY_PHASE_INFER, warm_up_infer, infer_block};
    group(m, entrants, count, seconds, &kind);
}

void assay_measure_forward_loss(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    static const block_kind kind = {ASSAY_PHASE_FORWARD_LOSS, ASSAY_PHASE_FORWARD_LOSS, warm_up_forward_loss,
                                    forward_loss_block};
    group(m, entrants, count, seconds, &kind);
}
