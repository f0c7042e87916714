/* measure.c: rounds of blocks. A block restores one of the three states outside the clock and takes a few samples from
 * it. SPDX-License-Identifier: MIT */
#include "perf/measure.h"

#include "perf/stats.h"
#include "reference/data.h"

#include <string.h>
#include <time.h>

#define MOST_ENTRANTS        64
#define BLOCK_SAMPLES        3   /* samples from one restored state ... */
#define BLOCK_SECONDS        0.5 /* ... where everybody's are shorter than this, else 1 */
#define ROUNDS_BETWEEN_TESTS 4   /* of the samples: the bootstrap itself takes time */
#define WARM_UP_SECONDS      0.2 /* a second warm-up call only if the first was shorter than 10 times this */

#define FORWARD_ROLE  (1u << ASSAY_ROLE_FORWARD)
#define GRADIENT_ROLE (1u << ASSAY_ROLE_GRADIENT)
#define UPDATED_ROLE  (1u << ASSAY_ROLE_UPDATED)

double assay_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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

void assay_entrant_free(assay_entrant *e)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++)
        assay_series_free(&e->series[phase]);
    drop(&e->first);
    drop(&e->later);
    drop(&e->phases);
    drop(&e->infer);
    assay_rig_end(&e->rig);
    memset(e, 0, sizeof *e);
}

/* Every block starts alike, whether it will be kept or not: outputs and blocks hold NaN, then the state is packed. */
static int restore(assay_measurement *m, assay_entrant *e, int state)
{
    static const assay_call poison = {.kind = ASSAY_CALL_POISON, .what = 2 | 4 | 8};
    assay_rig_poison(&e->rig);
    return assay_rig_run(&e->rig, &poison, 1, 1, NULL) && assay_rig_restore(&e->rig, &m->states[state]);
}

/* Reservoir of one: the n-th block that could be kept replaces the one before with probability 1/n. */
static int keep_this(assay_measurement *m, assay_kept_block *k, int state)
{
    return state == m->judged && draw(m, ++k->seen) == 0;
}

/* A state for the next block; the one that makes the least number of samples full starts from the judged state at the
 * latest. */
static int draw_state(assay_measurement *m, const assay_kept_block *k, int32_t samples_after)
{
    int state = draw(m, ASSAY_STATES);
    return samples_after >= ASSAY_SAMPLES_LEAST && k->seen == 0 ? m->judged : state;
}

/* ---- warming up ---- */

static double timed(assay_entrant *e, assay_pass pass, int64_t step)
{
    assay_timing t = {0};
    return assay_rig_pass(&e->rig, pass, step, 1, &t) ? t.seconds : 0;
}

int assay_measure_warm_up(assay_measurement *m, assay_entrant *e)
{
    if (!restore(m, e, 0)) return 0;
    double first = timed(e, ASSAY_STEP, 0);
    double second = first < 10 * WARM_UP_SECONDS ? timed(e, ASSAY_STEP, 1) : first;
    e->estimate[ASSAY_PHASE_STEP] = second;
    e->series[ASSAY_PHASE_STEP].calls = assay_timer_calls(ASSAY_PHASE_STEP, second);
    return e->rig.verdict == ASSAY_VERDICT_PASS;
}

/* Phases one by one, so that each has its estimate; not where a step is long: then one call a sample is right anyway.
 */
static int warm_up_phases(assay_measurement *m, assay_entrant *e)
{
    static const assay_phase order[] = {ASSAY_PHASE_FORWARD, ASSAY_PHASE_LOSS, ASSAY_PHASE_BACKWARD,
                                        ASSAY_PHASE_UPDATE};
    static const assay_pass pass[] = {ASSAY_TRAIN, ASSAY_LOSS_PASS, ASSAY_BACKWARD, ASSAY_UPDATE};
    static const assay_call pack = {.kind = ASSAY_CALL_PACK};
    assay_timing t = {0};
    if (!restore(m, e, 0)) return 0;
    if (!assay_rig_run(&e->rig, &pack, 1, 1, &t)) return 0;
    e->series[ASSAY_PHASE_PACK].calls = assay_timer_calls(ASSAY_PHASE_PACK, t.seconds);
    for (int k = 0; k < 4; k++) {
        double seconds = e->estimate[order[k]] = timed(e, pass[k], 0);
        e->series[order[k]].calls = assay_timer_calls(order[k], seconds);
    }
    return e->rig.verdict == ASSAY_VERDICT_PASS;
}

/* ---- training steps ---- */

typedef struct keeper {
    assay_entrant *entrant;
    assay_kept_block *into;
    int64_t step;
    int32_t later;
} keeper;

/* Places of a later step: before it (its parameters), after it. Of a first step: only after it. */
static int keep_step(void *user, int place)
{
    keeper *k = user;
    if (!k->into) { /* read all the same: what is kept must not show from inside the worker */
        assay_values unused;
        unsigned roles = k->later && place == 0 ? UPDATED_ROLE : FORWARD_ROLE | GRADIENT_ROLE | UPDATED_ROLE;
        int ok = assay_rig_read(&k->entrant->rig, roles, &unused);
        if (ok) assay_values_free(&unused);
        return ok;
    }
    if (k->later && place == 0) {
        drop(k->into);
        k->into->step = k->step;
        return assay_rig_read(&k->entrant->rig, UPDATED_ROLE, &k->into->params);
    }
    if (!k->later) drop(k->into);
    k->into->step = k->step;
    k->into->held = assay_rig_read(&k->entrant->rig, FORWARD_ROLE | GRADIENT_ROLE | UPDATED_ROLE, &k->into->got);
    return k->into->held;
}

static void step_block(assay_measurement *m, assay_entrant *e)
{
    assay_series *s = &e->series[ASSAY_PHASE_STEP];
    int state = draw_state(m, &e->first, s->count + m->block_samples);
    int keeps = keep_this(m, &e->first, state);
    int64_t step = m->steps[state];
    if (!restore(m, e, state)) return;
    /* The schedule is the same whether the block is kept or not: a first step, and one of any later sample. */
    int later_sample = m->block_samples > 1 ? 1 + draw(m, m->block_samples - 1) : -1;
    for (int k = 0; k < m->block_samples; k++, step += s->calls) {
        int32_t at = draw(m, s->calls);
        keeper first = {e, keeps ? &e->first : NULL, step, 0}, later = {e, keeps ? &e->later : NULL, step + at, 1};
        assay_pause after_first = {1, {1, 0}, keep_step, &first}, around_later = {2, {at, at + 1}, keep_step, &later};
        const assay_pause *pause = k == 0 ? &after_first : k == later_sample ? &around_later : NULL;
        if (!assay_timer_sample(m->gbench, m->workload->id, &e->rig, ASSAY_PHASE_STEP, step, pause, s)) return;
    }
}

/* ---- forward, loss, backward, update one after the other ---- */

static int keep_update(void *user, int place)
{
    keeper *k = user;
    assay_values updated;
    (void)place;
    if (!assay_rig_read(&k->entrant->rig, UPDATED_ROLE, &updated)) return 0;
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (updated.at[id]) k->into->got.at[id] = updated.at[id];
    k->into->held = 1;
    return 1;
}

static void phases_block(assay_measurement *m, assay_entrant *e)
{
    static const assay_phase order[] = {ASSAY_PHASE_PACK, ASSAY_PHASE_FORWARD, ASSAY_PHASE_LOSS, ASSAY_PHASE_BACKWARD};
    int state = draw_state(m, &e->phases, e->series[ASSAY_PHASE_UPDATE].count + 1);
    int keeps = keep_this(m, &e->phases, state);
    int64_t step = m->steps[state];
    keeper k = {e, &e->phases, step, 0};
    assay_pause after_first = {1, {1, 0}, keep_update, &k};
    if (!restore(m, e, state)) return;
    for (int p = 0; p < 4; p++)
        if (!assay_timer_sample(m->gbench, m->workload->id, &e->rig, order[p], step, NULL, &e->series[order[p]]))
            return;
    if (keeps) {
        drop(&e->phases);
        e->phases.step = step;
        if (!assay_rig_read(&e->rig, FORWARD_ROLE | GRADIENT_ROLE, &e->phases.got)) return;
    }
    assay_timer_sample(m->gbench, m->workload->id, &e->rig, ASSAY_PHASE_UPDATE, step, keeps ? &after_first : NULL,
                       &e->series[ASSAY_PHASE_UPDATE]);
}

/* ---- forward only ---- */

static int keep_infer(void *user, int place)
{
    keeper *k = user;
    (void)place;
    drop(k->into);
    k->into->held = assay_rig_read(&k->entrant->rig, FORWARD_ROLE, &k->into->got);
    assay_values_drop(&k->into->got, ASSAY_LOSS); /* INFER of a network ends at the logits */
    assay_values_drop(&k->into->got, ASSAY_LOSS_ROWS);
    return k->into->held;
}

static void infer_block(assay_measurement *m, assay_entrant *e)
{
    assay_series *s = &e->series[ASSAY_PHASE_INFER];
    int state = draw_state(m, &e->infer, s->count + 1);
    int keeps = keep_this(m, &e->infer, state);
    keeper k = {e, &e->infer, m->steps[state], 0};
    assay_pause after_first = {1, {1, 0}, keep_infer, &k};
    if (!restore(m, e, state)) return;
    assay_timer_sample(m->gbench, m->workload->id, &e->rig, ASSAY_PHASE_INFER, 0, keeps ? &after_first : NULL, s);
}

/* ---- rounds ---- */

typedef void (*block_fn)(assay_measurement *m, assay_entrant *e);

static int enough(const assay_measurement *m, const assay_entrant *e, assay_phase from, assay_phase to, int time_is_up)
{
    for (int phase = from; phase <= (int)to; phase++) {
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

/* Rounds of one block each, in a new random order every time; all go on as long as one is not settled, so that the
 * samples of any two stand side by side. */
static void rounds(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds, block_fn block,
                   assay_phase from, assay_phase to)
{
    double end = assay_clock() + seconds;
    int order[MOST_ENTRANTS], going = count > 0, round = 0;
    for (int k = 0; k < count; k++) {
        order[k] = k;
        assay_rig_rest(&entrants[k]->rig);
    }
    while (going) {
        for (int k = count - 1; k > 0; k--) {
            int other = draw(m, k + 1), swap = order[k];
            order[k] = order[other];
            order[other] = swap;
        }
        for (int k = 0; k < count; k++) {
            if (m->stop && m->stop(m->user)) return;
            assay_entrant *e = entrants[order[k]];
            if (e->rig.verdict != ASSAY_VERDICT_PASS) continue;
            block(m, e);
            if (count > 1) assay_rig_rest(&e->rig);
        }
        int time_is_up = assay_clock() > end;
        if (++round % ROUNDS_BETWEEN_TESTS && !time_is_up && any_alive(entrants, count)) continue;
        going = 0;
        for (int k = 0; k < count; k++)
            going |= entrants[k]->rig.verdict == ASSAY_VERDICT_PASS && !enough(m, entrants[k], from, to, time_is_up);
    }
}

void assay_measure_steps(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    m->block_samples = BLOCK_SAMPLES;
    for (int k = 0; k < count; k++) {
        const assay_entrant *e = entrants[k];
        if (e->estimate[ASSAY_PHASE_STEP] * e->series[ASSAY_PHASE_STEP].calls > BLOCK_SECONDS) m->block_samples = 1;
    }
    rounds(m, entrants, count, seconds, step_block, ASSAY_PHASE_STEP, ASSAY_PHASE_STEP);
}

void assay_measure_phases(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    for (int k = 0; k < count; k++)
        if (assay_rig_logits(&entrants[k]->rig, 1)) warm_up_phases(m, entrants[k]);
    rounds(m, entrants, count, seconds, phases_block, ASSAY_PHASE_PACK, ASSAY_PHASE_UPDATE);
    for (int k = 0; k < count; k++)
        assay_rig_logits(&entrants[k]->rig, 0);
}

void assay_measure_infer(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds)
{
    for (int k = 0; k < count; k++) {
        assay_entrant *e = entrants[k];
        if (!assay_rig_logits(&e->rig, 1) || !restore(m, e, 0)) continue;
        e->estimate[ASSAY_PHASE_INFER] = timed(e, ASSAY_INFER, 0);
        e->series[ASSAY_PHASE_INFER].calls = assay_timer_calls(ASSAY_PHASE_INFER, e->estimate[ASSAY_PHASE_INFER]);
    }
    rounds(m, entrants, count, seconds, infer_block, ASSAY_PHASE_INFER, ASSAY_PHASE_INFER);
    for (int k = 0; k < count; k++)
        assay_rig_logits(&entrants[k]->rig, 0);
}
