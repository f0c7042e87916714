/* floor.c: `assay floor`: measures the noise floors of cases, on several seeds; stores those of documented shapes, and
 * a table of all cases' noise, which it compares with what it finds. SPDX-License-Identifier: MIT */
#include "conformance/floor_rounded.h"
#include "conformance/floor_table.h"
#include "conformance/floors.h"
#include "conformance/names.h"
#include "conformance/subject.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"
#include "perf/cli/validate.h"
#include "perf/state.h"
#include "perf/workload.h"
#include "reference/tensors.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Roundings of a floor, fixed: a floor is a property of the data. The data's seeds vary. */
static const uint64_t rounding_seed = 0x0F100125;

typedef struct request {
    const char *glob, *workload, *out, *table, *compare, *json, *arithmetic;
    assay_floor_table made, stored;
    int validate, rounded, seeds, compared, apart,
        ill_conditioned; /* tensors: compared, too far apart, that say nothing */
    uint64_t seed;
    double activation_ulp;
    json_t *rows;
    int cases, ill_posed;
    int asked; /* assay_format of the arithmetic */
} request;

/* A noise that is measured again on other data stays within this factor of the stored one, where the case is well-posed
 * and well-conditioned. */
#define STRAY 2.0

/* Floors of one case over the seeds. Noise is compared between seeds in absolute terms: how much a sum over the batch
 * cancels differs from seed to seed, its noise does not. */
typedef struct spread {
    assay_floor worst[ASSAY_TENSORS]; /* the largest noise, relative to the largest truth (scale) */
    double least[ASSAY_TENSORS];      /* the smallest noise of the seeds, absolute */
    int method;
    double seconds;
} spread;

static void keep_larger(double *worst, double x)
{
    if (!(x <= *worst)) *worst = x;
}

/* Of what is finite, as the rules have it (compare.c): the loss of a sample without an alignment is infinite. */
static double finite_norm(const double *v, int64_t count)
{
    double sum = 0;
    for (int64_t k = 0; v && k < count; k++)
        if (isfinite(v[k])) sum += v[k] * v[k];
    return sqrt(sum);
}

/* worst[] holds absolute noise until finish() relates it to the largest truth. */
static void take(spread *s, const assay_problem *p, const assay_oracle *o, int first)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        int id = list[k].id;
        assay_floor *w = &s->worst[id];
        double norm = finite_norm(o->truth.at[id], list[k].integer ? 0 : list[k].count);
        assay_floor f = assay_floor_at(&o->floor[id], norm);
        keep_larger(&w->phi, f.phi * norm);
        keep_larger(&w->phi_row, f.phi_row * norm);
        keep_larger(&w->phi_element, f.phi_element * norm);
        keep_larger(&w->row_sum, f.row_sum);
        keep_larger(&w->scale, norm);
        if (first || !(f.phi * norm >= s->least[id])) s->least[id] = f.phi * norm;
    }
}

static void finish(spread *s)
{
    for (int id = 0; id < ASSAY_TENSORS; id++) {
        assay_floor *w = &s->worst[id];
        if (!(w->scale > 0)) continue; /* all zero at every seed: its limit is 0 anyway */
        w->phi /= w->scale;
        w->phi_row /= w->scale;
        w->phi_element /= w->scale;
    }
}

/* Largest over smallest noise of the seeds. */
static double ratio_of(const spread *s, int id)
{
    return s->least[id] > 0 ? s->worst[id].phi * s->worst[id].scale / s->least[id] : 1;
}

/* Floors of a narrow format at a documented shape. */
static int rounded(const request *q, const assay_case *c, const assay_arithmetic *a)
{
    return q->asked > ASSAY_FP32 && c->documented && !assay_arithmetic_has_block(a);
}

static assay_status measure(const request *q, const assay_case *c, const assay_arithmetic *a, spread *out)
{
    assay_status st = ASSAY_OK;
    memset(out, 0, sizeof *out);
    for (int k = 0; k < q->seeds && st == ASSAY_OK && !assay_interrupted(); k++) {
        assay_subject subject;
        assay_oracle oracle;
        st = assay_subject_make(c, q->asked, q->seed + (uint64_t)k, NULL, NULL, &subject);
        if (st != ASSAY_OK) break;
        subject.p.arithmetic = q->asked;
        assay_values_quantise(&subject.p, q->asked, &subject.given);
        assay_question question = {.p = &subject.p,
                                   .given = &subject.given,
                                   .step = subject.step,
                                   .wanted = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT,
                                   .declared = a,
                                   .seed = rounding_seed};
        st = rounded(q, c, a) ? assay_floor_rounded(&question, &oracle) : assay_oracle_make(&question, &oracle);
        if (st == ASSAY_OK) {
            take(out, &subject.p, &oracle, k == 0);
            out->method = oracle.method;
            out->seconds += oracle.seconds_floor;
            assay_oracle_free(&oracle);
        }
        assay_subject_free(&subject);
    }
    finish(out);
    return st;
}

static void show(request *q, const assay_case *c, const assay_arithmetic *a, const spread *s)
{
    static const char *const methods[] = {"per operation", "block noise", "stored", "rounded sums"};
    assay_tensor tensors[ASSAY_TENSORS];
    int count = assay_tensors_of(&c->problem, tensors), beyond = 0;
    double bound = assay_floor_bound(&c->problem, a), largest = 0;
    json_t *rows = json_object();
    printf("%s  (%s, %d seeds, %.1f s, bound %g)\n", c->id, methods[s->method], q->seeds, s->seconds, bound);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &tensors[k];
        if (x->role != ASSAY_ROLE_FORWARD && x->role != ASSAY_ROLE_GRADIENT) continue;
        const assay_floor *f = &s->worst[x->id];
        double ratio = ratio_of(s, x->id);
        int judged = !assay_names_hold(c->ungated, ' ', x->name), bad = judged && !(f->phi <= bound);
        printf("    %-12s phi %.2e  rows %.2e  spread %.2f%s\n", x->name, f->phi, f->phi_row, ratio,
               bad      ? "  ILL_POSED"
               : judged ? ""
                        : "  not judged");
        beyond |= bad;
        if (judged && ratio > largest) largest = ratio;
        json_object_set_new(rows, x->name,
                            json_pack("{s:o, s:o, s:o}", "phi", assay_output_real(f->phi), "phi_row",
                                      assay_output_real(f->phi_row), "spread", assay_output_real(ratio)));
    }
    if (largest > 2) printf("    spread %.1f between seeds: badly conditioned\n", largest);
    json_array_append_new(q->rows, json_pack("{s:s, s:s, s:i, s:b, s:o}", "case", c->id, "method", methods[s->method],
                                             "seeds", q->seeds, "ill_posed", beyond, "floors", rows));
    q->cases++;
    q->ill_posed += beyond;
    fflush(stdout);
}

static double noise_of(const spread *s, int id)
{
    return s->worst[id].phi * s->worst[id].scale;
}

/* Into the table that will be written. What is no number has no row there. */
static assay_status note(request *q, const assay_case *c, const spread *s)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(&c->problem, list), kept = 0;
    assay_noise_row *row = assay_floor_table_row(&q->made, c->id, q->seeds, count);
    if (!row) return ASSAY_NO_MEMORY;
    for (int k = 0; k < count; k++) {
        if (list[k].role != ASSAY_ROLE_FORWARD && list[k].role != ASSAY_ROLE_GRADIENT) continue;
        if (!isfinite(noise_of(s, list[k].id))) continue;
        assay_noise *n = &row->tensors[kept++];
        snprintf(n->tensor, sizeof n->tensor, "%s", list[k].name);
        n->noise = noise_of(s, list[k].id);
        n->phi = s->worst[list[k].id].phi;
        n->spread = ratio_of(s, list[k].id);
    }
    row->count = kept;
    return ASSAY_OK;
}

/* Against the stored table. What cannot be judged by this case, is ill-posed, or spreads by more than STRAY between the
 * seeds of one measurement, says nothing. */
static void compare(request *q, const assay_case *c, const assay_arithmetic *a, const spread *s)
{
    const assay_noise_row *row = assay_floor_table_find(&q->stored, c->id);
    const double bound = assay_floor_bound(&c->problem, a);
    if (!row) {
        printf("    not in the stored table\n");
        q->apart++;
        return;
    }
    for (int k = 0; k < row->count; k++) {
        const assay_noise *n = &row->tensors[k];
        const int id = assay_tensor_by_name(&c->problem, n->tensor);
        if (id < 0 || assay_names_hold(c->ungated, ' ', n->tensor)) continue;
        const int posed =
            n->phi <= bound && s->worst[id].phi <= bound && n->spread <= STRAY && ratio_of(s, id) <= STRAY;
        q->ill_conditioned += !posed;
        if (!posed) continue;
        const double now = noise_of(s, id), ratio = now > n->noise ? now / n->noise : n->noise / now;
        q->compared++;
        if (ratio <= STRAY || (now == 0 && n->noise == 0)) continue;
        q->apart++;
        printf("    %-12s noise %.2e, stored %.2e: %.2f times apart, expected at most %g\n", n->tensor, now, n->noise,
               ratio, STRAY);
    }
}

static double worst_ratio(const spread *s)
{
    double worst = 1;
    for (int id = 0; id < ASSAY_TENSORS; id++)
        keep_larger(&worst, ratio_of(s, id));
    return worst;
}

/* One case: measured, shown, and stored if it is a documented shape and a folder was given. */
static int perform(request *q, const assay_case *c)
{
    const assay_arithmetic_row *row = assay_arithmetic_by_name(q->arithmetic);
    assay_arithmetic a = row->arithmetic;
    assay_problem p = c->problem;
    spread s;
    char why[256] = "";
    a.activation_ulp = q->activation_ulp;
    q->asked = p.arithmetic = row->asked;
    if (rounded(q, c, &a) && !assay_arithmetic_has_rounded(&a)) {
        assay_print_error("floor: %s: no method is validated for %s at this size; expected fp32, fp16 or bf16-operands",
                          c->id, q->arithmetic);
        return ASSAY_EXIT_USAGE;
    }
    assay_status st = measure(q, c, &a, &s);
    if (assay_interrupted()) return ASSAY_EXIT_UNABLE;
    if (st == ASSAY_OK) show(q, c, &a, &s);
    if (st == ASSAY_OK && q->out && c->documented) {
        st = assay_floors_write(q->out, c->id, &p, &a, s.worst, q->seeds, worst_ratio(&s), why, sizeof why);
    }
    if (st == ASSAY_OK && q->table) st = note(q, c, &s);
    if (st == ASSAY_OK && q->compare) compare(q, c, &a, &s);
    if (st == ASSAY_OK) return ASSAY_EXIT_HELD;
    assay_print_error("floor: %s: %s", c->id, why[0] ? why : "the reference could not compute it (memory?)");
    return ASSAY_EXIT_UNABLE;
}

static int perform_all(request *q)
{
    int status = ASSAY_EXIT_HELD;
    assay_case c;
    for (int k = 0; !q->workload && k < assay_case_count() && status == ASSAY_EXIT_HELD; k++) {
        assay_case_get(k, &c);
        const int counts = !(c.flags & ASSAY_CASE_FULL) || !(q->table || q->compare); /* the table has the small ones */
        if (counts && (!q->glob || !fnmatch(q->glob, c.id, 0))) status = perform(q, &c);
    }
    for (int k = 0; q->workload && k < assay_workload_count() && status == ASSAY_EXIT_HELD; k++) {
        const assay_workload *w = assay_workload_get(k);
        if (!assay_workload_matches(w, q->workload)) continue;
        assay_workload_case(w, &c);
        status = perform(q, &c);
    }
    return status;
}

/* A table that is there already keeps the rows that are not measured now, if the reference is still the same. */
static int begin_tables(request *q)
{
    char why[4400] = "";
    assay_floor_table_begin(ASSAY_FP32, q->activation_ulp, &q->made);
    if (q->table) {
        assay_floor_table old;
        const int there = assay_floor_table_read(q->table, ASSAY_FP32, &old, why, sizeof why) == ASSAY_OK;
        const int same = there && !strcmp(old.generator, q->made.generator) && old.activation_ulp == q->activation_ulp;
        if (same) {
            snprintf(old.date, sizeof old.date, "%s", q->made.date);
            q->made = old;
        } else
            assay_floor_table_free(&old);
    }
    if (!q->compare) return ASSAY_EXIT_HELD;
    if (assay_floor_table_read(q->compare, ASSAY_FP32, &q->stored, why, sizeof why) != ASSAY_OK) {
        assay_print_error("floor: --compare %s", why);
        return ASSAY_EXIT_USAGE;
    }
    if (q->stored.activation_ulp == q->activation_ulp) return ASSAY_EXIT_HELD;
    assay_print_error("floor: --compare %s: measured with %g ulp, expected --activation-ulp %g", q->compare,
                      q->stored.activation_ulp, q->stored.activation_ulp);
    assay_floor_table_free(&q->stored);
    return ASSAY_EXIT_USAGE;
}

/* Writes what was made and says how the comparison went. Returns the exit status. */
static int end_tables(request *q, int status)
{
    char why[4400] = "";
    if (q->compare && q->cases) {
        printf("%d noises compared with those of %s, %d more than %g times apart; %d are badly conditioned\n",
               q->compared, q->stored.date, q->apart, STRAY, q->ill_conditioned);
        if (status == ASSAY_EXIT_HELD && (q->apart || !q->compared)) status = ASSAY_EXIT_BROKEN;
    }
    if (q->table && status == ASSAY_EXIT_HELD &&
        assay_floor_table_write(&q->made, q->table, why, sizeof why) != ASSAY_OK) {
        assay_print_error("floor: %s", why);
        status = ASSAY_EXIT_UNABLE;
    }
    assay_floor_table_free(&q->made);
    assay_floor_table_free(&q->stored);
    return status;
}

/* Tables of noise are of fp32. */
static int check_arithmetic(request *q)
{
    if (!q->arithmetic) q->arithmetic = "fp32";
    if (!assay_arithmetic_by_name(q->arithmetic)) {
        assay_print_error(
            "floor: arithmetic '%s' is unknown; expected fp32, bf16-operands ... as --validate prints them",
            q->arithmetic);
        return ASSAY_EXIT_USAGE;
    }
    if (!strcmp(q->arithmetic, "fp32") || !(q->table || q->compare)) return ASSAY_EXIT_HELD;
    assay_print_error("floor: --arithmetic %s: expected fp32 with --table and --compare", q->arithmetic);
    return ASSAY_EXIT_USAGE;
}

int assay_command_floor(int argc, char **argv)
{
    static const assay_usage usage = {"floor", NULL,
                                      "Measures noise floors: what honest arithmetic shows on a case. Stored "
                                      "ones (--out) serve the documented\n"
                                      "shapes; their spread over the seeds says how well-conditioned a case is. "
                                      "docs/tolerance.md, sections 3.3 and 4.",
                                      "assay floor --workload 'b1*' --out fixtures/floors"};
    request q = {.seeds = 4, .seed = 1, .activation_ulp = 4};
    const assay_option options[] = {
        {"case", "GLOB", "these cases; default: all of `assay list cases`", ASSAY_TAKES_TEXT, &q.glob},
        {"workload", "GLOB", "these documented shapes instead", ASSAY_TAKES_TEXT, &q.workload},
        {"seeds", "N", "data seeds", ASSAY_TAKES_COUNT, &q.seeds},
        {"seed", "SEED", "the first of them; default 1", ASSAY_TAKES_SEED, &q.seed},
        {"activation-ulp", "A", "error that the arithmetic allows its activations", ASSAY_TAKES_REAL,
         &q.activation_ulp},
        {"out", "DIR", "store floors of documented shapes there", ASSAY_TAKES_FOLDER, &q.out},
        {"table", "DIR", "write the table of these cases' noise there, beside those that it holds already",
         ASSAY_TAKES_FOLDER, &q.table},
        {"compare", "DIR", "with the table there; exit 1 if a noise is more than 2 times apart", ASSAY_TAKES_STORE,
         &q.compare},
        {"validate", NULL, "instead: block noise against the rounding of every operation, in each arithmetic",
         ASSAY_TAKES_NOTHING, &q.validate},
        {"rounded", NULL, "with --validate: really rounded sums in place of block noise", ASSAY_TAKES_NOTHING,
         &q.rounded},
        {"arithmetic", "NAME", "fp32, bf16-operands ...; default: fp32, with --validate each", ASSAY_TAKES_TEXT,
         &q.arithmetic},
        {"json", "FILE", "write every floor", ASSAY_TAKES_OUTPUT, &q.json},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    assay_interrupt_watch();
    if (q.validate)
        return assay_floor_validate_print(q.glob, q.arithmetic, q.rounded ? ASSAY_FLOOR_ROUNDED : ASSAY_FLOOR_BLOCK,
                                          q.seed, q.seeds);
    if ((status = check_arithmetic(&q)) != ASSAY_EXIT_HELD) return status;
    q.rows = json_array();
    status = begin_tables(&q);
    if (status == ASSAY_EXIT_HELD) status = perform_all(&q);
    if (status == ASSAY_EXIT_HELD && q.cases == 0) {
        const char *kind = q.workload ? "workload" : "case";
        assay_print_error("floor: no %s matches '%s': expected one of `assay list %ss`", kind,
                          q.workload ? q.workload : q.glob, kind);
        status = ASSAY_EXIT_USAGE;
    }
    if (assay_interrupted()) assay_interrupt_tell("floor");
    if (q.cases) printf("%d cases, %d with a tensor beyond its bound\n", q.cases, q.ill_posed);
    status = end_tables(&q, status);
    if (q.json && status != ASSAY_EXIT_USAGE) {
        json_t *head = assay_output_head("floor");
        json_object_set_new(head, "complete", json_boolean(status == ASSAY_EXIT_HELD));
        json_object_set(head, "cases", q.rows);
        int written = assay_output_json(q.json, head);
        if (written != ASSAY_EXIT_HELD) status = written;
    }
    json_decref(q.rows);
    return status;
}
