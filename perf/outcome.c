/* outcome.c: judging kept blocks and writing records.
 * SPDX-License-Identifier: MIT */
#include "perf/outcome.h"

#include "conformance/arithmetic.h"
#include "conformance/clock.h"
#include "perf/plausible.h"
#include "perf/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORWARD_ROLE  (1u << ASSAY_ROLE_FORWARD)
#define GRADIENT_ROLE (1u << ASSAY_ROLE_GRADIENT)

/* ---- judging ---- */

typedef struct court {
    const assay_outcome_of *of;
    assay_entrant *entrant;
    double *margin;
} court;

static void judge(const court *c, const char *phase, const assay_kept_block *k, int32_t state,
                  const assay_values *given, const assay_values *truth)
{
    assay_rig *rig = &c->entrant->rig;
    const assay_problem *p = c->of->problem;
    assay_values update = {{0}};
    int updates = 0;
    for (int param = 0; param < ASSAY_MAX_PARAMS; param++)
        updates |= k->got.at[assay_tensor_id(ASSAY_PARAM_1, param)] != NULL;
    if (updates && assay_state_update(p, given, &k->got, k->step, &rig->declared, &update) != ASSAY_OK) {
        assay_rig_fail(rig, ASSAY_VERDICT_BROKEN, "no memory to judge the %s", phase);
        return;
    }
    const assay_kept kept = {.workload = c->of->measurement->workload,
                             .problem = p,
                             .declared = &rig->declared,
                             .implementation = rig->about.name,
                             .phase = phase,
                             .seed = c->of->measurement->seed,
                             .state = state,
                             .step = k->step,
                             .given = given,
                             .got = &k->got,
                             .truth = truth,
                             .update_truth = updates ? &update : NULL};
    assay_judgement j = c->of->options->judge(c->of->options->user, &kept);
    *c->margin = fmax(*c->margin, isnan(j.margin) ? INFINITY : j.margin);
    if (j.verdict != ASSAY_VERDICT_PASS)
        assay_rig_fail(rig, j.verdict, "%s: the timed calls are wrong: %s", phase, j.why);
    assay_values_free(&update);
}

/* A later step has a truth of its own, from the implementation's own parameters. `start`: the block's numbers. */
static void judge_later(const court *c, const assay_values *start)
{
    static const int from[] = {ASSAY_PARAM_1, ASSAY_M_1, ASSAY_V_1}, to[] = {ASSAY_PARAM, ASSAY_M, ASSAY_V};
    const assay_kept_block *k = &c->entrant->later, *first = &c->entrant->first;
    const assay_values *before = k->step == first->step + 1 ? &first->got : &k->params;
    assay_values given = *start, truth;
    for (int f = 0; f < 3; f++)
        for (int param = 0; param < ASSAY_MAX_PARAMS; param++) {
            void *own = before->at[assay_tensor_id(from[f], param)];
            if (own) given.at[assay_tensor_id(to[f], param)] = own;
        }
    if (assay_state_truth(c->of->problem, &given, k->step, FORWARD_ROLE | GRADIENT_ROLE, &c->entrant->rig.declared,
                          &truth) != ASSAY_OK) {
        assay_rig_fail(&c->entrant->rig, ASSAY_VERDICT_BROKEN, "no memory for the truth of a later step");
        return;
    }
    judge(c, "step", k, -1, &given, &truth);
    assay_values_free(&truth);
}

/* The numbers of one block and what should have become of them. One serves all entrants that kept the same block and
 * declare one arithmetic. */
typedef struct exam {
    int64_t block;             /* 0: none yet */
    assay_arithmetic declared; /* by whom it is answered: operands and stores are rounded so */
    assay_values fresh, given, truth;
} exam;

static void exam_free(exam *x)
{
    assay_values_free(&x->fresh);
    assay_values_free(&x->truth);
    memset(x, 0, sizeof *x);
}

static assay_status exam_make(const assay_outcome_of *of, const assay_kept_block *k, const assay_arithmetic *declared,
                              unsigned roles, exam *x)
{
    const assay_measurement *m = of->measurement;
    const int same = !assay_arithmetic_is_narrow(declared) && !assay_arithmetic_is_narrow(&x->declared);
    if (x->block == k->block && (same || assay_arithmetic_same(declared, &x->declared))) return ASSAY_OK;
    exam_free(x);
    x->block = k->block;
    x->declared = *declared;
    assay_status st =
        assay_state_block(m->workload, m->seed, k->state, k->block, &m->states[k->state], &x->fresh, &x->given);
    if (st != ASSAY_OK) return st;
    return assay_state_truth(of->problem, &x->given, k->step, roles, declared, &x->truth);
}

/* What is kept of a phase; the parts of a step are kept and judged together, at their update. */
static const assay_kept_block *kept_of(const assay_entrant *e, int phase)
{
    switch (phase) {
    case ASSAY_PHASE_STEP:
        return &e->first;
    case ASSAY_PHASE_INFER:
        return &e->infer;
    case ASSAY_PHASE_FORWARD_LOSS:
        return &e->forward_loss;
    default:
        return &e->phases;
    }
}

static assay_status judge_phase(const assay_outcome_of *of, const char *name, assay_phase phase, unsigned roles,
                                assay_entrant *const *entrants, int count, double *margins, double *seconds)
{
    exam x = {0};
    assay_status st = ASSAY_OK;
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        assay_entrant *e = entrants[k];
        const assay_kept_block *kept = kept_of(e, (int)phase);
        const court c = {of, e, &margins[k]};
        if (e->rig.verdict != ASSAY_VERDICT_PASS || e->series[phase].count < ASSAY_SAMPLES_LEAST) continue;
        if (!kept->held) {
            assay_rig_fail(&e->rig, ASSAY_VERDICT_BROKEN, "%s: no block was kept for judgement", name);
            continue;
        }
        double start = assay_clock();
        st = exam_make(of, kept, &e->rig.declared, roles, &x);
        if (st != ASSAY_OK) break;
        if (phase == ASSAY_PHASE_STEP) *seconds = fmax(*seconds, assay_clock() - start);
        judge(&c, name, kept, kept->state, &x.given, &x.truth);
        int later = phase == ASSAY_PHASE_STEP && e->later.held && e->later.block == kept->block;
        if (later && e->rig.verdict == ASSAY_VERDICT_PASS) judge_later(&c, &x.given);
    }
    exam_free(&x);
    return st;
}

assay_status assay_outcome_judge(const assay_outcome_of *of, assay_entrant *const *entrants, int count, double *margins,
                                 double *seconds)
{
    static const struct {
        const char *name;
        assay_phase phase;
        unsigned roles;
    } kinds[] = {{"step", ASSAY_PHASE_STEP, FORWARD_ROLE | GRADIENT_ROLE},
                 {"phases", ASSAY_PHASE_UPDATE, FORWARD_ROLE | GRADIENT_ROLE},
                 {"infer", ASSAY_PHASE_INFER, FORWARD_ROLE},
                 {"forward-loss", ASSAY_PHASE_FORWARD_LOSS, FORWARD_ROLE}};
    assay_status st = ASSAY_OK;
    for (int k = 0; k < count; k++)
        margins[k] = 0;
    *seconds = 0;
    for (size_t n = 0; n < sizeof kinds / sizeof *kinds && st == ASSAY_OK; n++)
        st = judge_phase(of, kinds[n].name, kinds[n].phase, kinds[n].roles, entrants, count, margins, seconds);
    for (int k = 0; k < count; k++) {
        if (entrants[k]->rig.verdict == ASSAY_VERDICT_PASS) assay_plausible_judge(of, entrants[k]);
    }
    return st;
}

/* ---- records ---- */

#define SET(to, from) snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 1, (from) ? (from) : "")

/* What the headline rows contain; what neither the contract nor the judgement fixes is unknown: "", not guessed. */
static assay_equal_work equal_work(const assay_workload *w, int phase)
{
    const assay_problem *p = &w->problem;
    int logits = phase != ASSAY_PHASE_STEP && phase != ASSAY_PHASE_FORWARD_LOSS;
    assay_equal_work e;
    memset(&e, 0, sizeof e);
    SET(e.dx_layer1, w->need_dx ? "requested" : "not requested");
    SET(e.bptt_steps, "all");
    SET(e.dead_reverse_top, p->directions == 2 && p->head == ASSAY_HEAD_LAST ? "executed" : "none");
    SET(e.padding_frames, w->ragged ? "" : "none");
    SET(e.distinct_tokens, p->vocab ? "" : "no");
    SET(e.embedding_update, !p->vocab ? "none" : p->optimizer == ASSAY_OPT_ADAM ? "dense" : "");
    SET(e.logits, logits ? "materialised" : "not requested");
    SET(e.wx_included, "yes");
    SET(e.saved_state, phase == ASSAY_PHASE_INFER ? "none" : "inside");
    SET(e.optimizer, p->optimizer == ASSAY_OPT_ADAM ? "adam" : "sgd");
    SET(e.h2d, "none");
    return e;
}

static void set_times(assay_record *r, const assay_series *s, uint64_t seed)
{
    assay_stats times = assay_stats_of(s->seconds, s->count);
    assay_interval i = assay_stats_median_interval(s->seconds, s->count, seed);
    r->median_ms = times.median * 1e3;
    r->q1_ms = times.q1 * 1e3;
    r->q3_ms = times.q3 * 1e3;
    r->min_ms = times.min * 1e3;
    r->mean_ms = times.mean * 1e3;
    r->p95_ms = times.p95 * 1e3;
    r->low_ms = i.low * 1e3;
    r->high_ms = i.high * 1e3;
    r->worker_ms = assay_stats_of(s->worker, s->count).median * 1e3;
    r->n = s->count;
    r->calls = 1;
    r->disturbed = s->disturbed;
    r->set_aside = s->set_aside;
    r->lost_share = s->lost_seconds / (times.mean * s->count);
    for (int32_t k = 0; k < s->count; k++)
        r->samples_ms[k] = s->seconds[k] * 1e3;
}

double assay_drift(double before, double after)
{
    return fabs(after / before - 1);
}

static void set_roof(assay_record *r, double flop, const assay_outcome_of *of)
{
    const double peak = of->peak;
    r->gflop = flop * 1e-9;
    r->peak_gflop_per_s = peak;
    r->gflop_per_s = flop > 0 ? r->gflop / r->median_ms * 1e3 : NAN;
    r->roof_ms = flop > 0 ? r->gflop / peak * 1e3 : NAN;
    r->roof_share = flop > 0 ? r->roof_ms / r->median_ms : NAN;
    const int sgemm = of->sgemm > 0 && of->problem->arithmetic == ASSAY_FP32;
    r->sgemm_gflop_per_s = sgemm ? of->sgemm : NAN;
    SET(r->sgemm_by, sgemm ? of->sgemm_by : "");
    SET(r->limit, !(flop > 0) ? "none declared" : isnan(peak) ? "not measured" : "multiply-add");
}

static double mib(double bytes)
{
    return bytes / (1 << 20);
}

static void set_memory(assay_record *r, const assay_rig *rig)
{
    r->packed_mib = mib((double)rig->sizes.packed);
    r->grads_mib = mib((double)rig->sizes.grads);
    r->workspace_mib = mib((double)rig->sizes.workspace);
    r->reserve_mib = mib((double)rig->sizes.reserve);
    const int64_t most = assay_rig_footprint(rig);
    r->peak_mib = most >= 0 ? mib((double)most) : NAN;
}

static void set_origin(assay_record *r, const assay_outcome_of *of, const assay_entrant *e)
{
    static const char *const sandboxes[] = {"none", "weaker", "full"};
    const assay_session_info *about = &e->rig.about;
    time_t now = time(NULL);
    struct tm utc;
    SET(r->workload, of->measurement->workload->id);
    SET(r->implementation, e->name ? e->name : about->name);
    SET(r->version, about->version);
    SET(r->arithmetic, assay_format_name(of->problem->arithmetic));
    SET(r->operand, assay_format_name(e->rig.declared.operand));
    SET(r->accumulate, assay_format_name(e->rig.declared.accumulate));
    SET(r->store, assay_format_name(e->rig.declared.store));
    r->activation_ulp = e->rig.declared.activation_ulp;
    r->deterministic = e->rig.declared.deterministic;
    r->allocates = about->allocates;
    /* The number comes from the worker. */
    SET(r->sandbox, about->sandbox >= 0 && about->sandbox <= 2 ? sandboxes[about->sandbox] : "");
    SET(r->loss_by, about->loss_by);
    SET(r->update_by, about->update_by);
    SET(r->plugin_hash, about->plugin_hash);
    SET(r->libraries_hash, about->mapped_hash);
    SET(r->certificate, e->certificate.hash);
    SET(r->certificate_level, assay_level_name((assay_level)e->certificate.level));
    SET(r->data, of->data);
    SET(r->suite_version, of->options->suite_version);
    SET(r->commit, of->options->commit);
    SET(r->commit_time, of->options->commit_time);
    SET(r->build, of->options->build);
    if (gmtime_r(&now, &utc)) strftime(r->time, sizeof r->time, "%Y-%m-%dT%H:%M:%SZ", &utc);
    r->machine = *of->machine;
    r->threads = e->threads;
    r->seed = of->measurement->seed;
    r->calibration_before = of->calibration_before;
    r->calibration_after = of->calibration_after;
    r->drift = assay_drift(of->calibration_before, of->calibration_after);
    r->fit = r->drift <= ASSAY_DRIFT_LIMIT;
    r->repeats = of->repeats;
    r->turns = e->turns;
    r->round_trip_ms = e->rig.round_trip * 1e3;
}

/* Only what was judged is published. */
static int complete(const assay_entrant *e, int phase)
{
    int judged = phase <= ASSAY_PHASE_UPDATE ? ASSAY_PHASE_UPDATE : phase;
    return e->series[phase].count >= ASSAY_SAMPLES_LEAST && e->series[judged].count >= ASSAY_SAMPLES_LEAST;
}

int assay_outcome_record(const assay_outcome_of *of, const assay_entrant *e, double margin, assay_records *out)
{
    int added = 0;
    if (e->rig.verdict != ASSAY_VERDICT_PASS) return 0;
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->series[phase];
        assay_record r;
        if (!complete(e, phase)) continue;
        memset(&r, 0, sizeof r);
        r.samples_ms = malloc((size_t)s->count * sizeof *r.samples_ms);
        if (!r.samples_ms) return -1;
        set_origin(&r, of, e);
        set_times(&r, s, of->measurement->seed);
        set_roof(&r, assay_plausible_flop(of->measurement->workload, phase), of);
        set_memory(&r, &e->rig);
        assay_outcome_device(of, &r);
        SET(r.phase, assay_phase_name(phase));
        r.kept_state = kept_of(e, phase)->state;
        r.kept_block = (int32_t)kept_of(e, phase)->block;
        r.work = equal_work(of->measurement->workload, phase);
        r.margin = margin;
        if (assay_records_add(out, &r) != ASSAY_OK) {
            free(r.samples_ms);
            return -1;
        }
        added++;
    }
    return added;
}
