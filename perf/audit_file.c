/* audit_file.c: an audit to JSON and back.
 * SPDX-License-Identifier: MIT */
#include "perf/audit_file.h"

#include "perf/json.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 1000000

static json_t *finding(const assay_finding *f)
{
    if (!f->rule[0]) return json_null();
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "verdict", assay_verdict_name(f->verdict), "rule", f->rule, "error",
                     assay_json_real(f->error), "limit", assay_json_real(f->limit), "margin",
                     assay_json_real(f->margin));
}

/* ---- out ---- */

static json_t *curves_of(const assay_audit_tensor *x, int half)
{
    static const char *const names[] = {"a_b", "a_truth", "b_truth"};
    json_t *all = json_object();
    for (int c = 0; c < ASSAY_AUDIT_CURVES; c++) {
        json_t *points = json_array();
        for (int t = 0; t < x->steps; t++)
            json_array_append_new(points, assay_json_real(assay_audit_at(x, c, half, t)));
        json_object_set_new(all, names[c], points);
    }
    return json_pack("{s:b, s:i, s:i, s:o}", "from_end", x->from_end[half], "first_other_bit", x->first_bit[half],
                     "first_beyond_limit", x->wrong[half], "error", all);
}

static json_t *tensor_of(const assay_audit_tensor *x)
{
    json_t *ulps = json_array(), *shares = json_array(), *halves = json_array();
    for (int k = 0; k < ASSAY_AUDIT_BINS; k++)
        json_array_append_new(ulps, json_integer(x->ulps[k]));
    for (int k = 0; k < x->share_count; k++)
        json_array_append_new(
            shares, json_pack("{s:s, s:o}", "at", x->share[k].words, "share", assay_json_real(x->share[k].share)));
    for (int h = 0; x->steps > 0 && h < x->halves; h++)
        json_array_append_new(halves, curves_of(x, h));
    json_t *t =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:s, s:s, s:i}", "name", x->name, "elements", (json_int_t)x->elements,
                  "same", (json_int_t)x->same, "pair", finding(&x->pair), "a", finding(&x->side[0]), "b",
                  finding(&x->side[1]), "worst", x->worst, "beyond", x->where, "worst_step", x->worst_step);
    const struct {
        const char *name;
        double value;
    } reals[] = {{"error", x->error},       {"error_a", x->error_side[0]}, {"error_b", x->error_side[1]},
                 {"floor", x->floor},       {"floor_a", x->floor_side[0]}, {"floor_b", x->floor_side[1]},
                 {"mean", x->mean},         {"spread", x->spread},         {"bias", x->bias},
                 {"taken_out", x->declared}};
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++)
        json_object_set_new(t, reals[k].name, assay_json_real(reals[k].value));
    json_object_set_new(t, "ulps", ulps);
    json_object_set_new(t, "most_at", shares);
    json_object_set_new(t, "time", halves);
    return t;
}

static json_t *side_of(const assay_audit_side *s)
{
    const assay_arithmetic *a = &s->declared;
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:f, s:b}, s:s, s:o, s:b, s:s}", "label", s->label,
                     "implementation", s->name, "version", s->version, "hash", s->hash, "declared", "operand",
                     assay_format_name(a->operand), "accumulate", assay_format_name(a->accumulate), "store",
                     assay_format_name(a->store), "activation_ulp", a->activation_ulp, "deterministic",
                     a->deterministic, "wanders", s->wanders, "wanders_by", assay_json_real(s->wander),
                     "fresh_worker_alike", s->fresh_alike, "cause", s->cause);
}

int assay_audit_put(const assay_audit *a, json_t *head)
{
    char seed[24];
    json_t *tensors = json_array();
    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)a->seed);
    for (int k = 0; k < a->count; k++)
        if (json_array_append_new(tensors, tensor_of(&a->at[k]))) {
            json_decref(tensors);
            return -1;
        }
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:i, s:[o, o], s:o}", "schema", ASSAY_AUDIT_SCHEMA, "case",
                  a->what, "arithmetic", assay_format_name(a->problem.arithmetic), "seed", seed, "threads", a->threads,
                  "truth", a->has_truth, "verdict", assay_verdict_name(a->verdict), "why", a->why, "worst", a->worst,
                  "sides", side_of(&a->side[0]), side_of(&a->side[1]), "tensors", tensors);
    const int bad = !body || json_object_update(head, body);
    json_decref(body);
    return bad ? -1 : 0;
}

/* ---- back ---- */

static int number(const json_t *of, const char *name, double *to)
{
    const json_t *v = json_object_get(of, name);
    if (!json_is_number(v) && !json_is_null(v)) return 0;
    *to = json_is_null(v) ? NAN : json_number_value(v);
    return 1;
}

static int verdict_by_name(const json_t *of, assay_verdict *to)
{
    const char *text = json_string_value(json_object_get(of, "verdict"));
    for (int v = 0; text && v < ASSAY_VERDICT_COUNT; v++)
        if (!strcmp(text, assay_verdict_name((assay_verdict)v))) {
            *to = (assay_verdict)v;
            return 1;
        }
    return 0;
}

static int read_finding(const json_t *of, assay_finding *f)
{
    if (json_is_null(of)) return 1;
    return assay_json_word(of, "rule", f->rule, sizeof f->rule) && verdict_by_name(of, &f->verdict) &&
           number(of, "error", &f->error) && number(of, "limit", &f->limit) && number(of, "margin", &f->margin);
}

static int read_points(const json_t *from, int steps, double *to)
{
    if (!json_is_array(from) || json_array_size(from) != (size_t)steps) return 0;
    for (int t = 0; t < steps; t++) {
        const json_t *v = json_array_get(from, (size_t)t);
        if (!json_is_number(v) && !json_is_null(v)) return 0;
        to[t] = json_is_null(v) ? NAN : json_number_value(v);
    }
    return 1;
}

static int read_time(const json_t *halves, assay_audit_tensor *x)
{
    static const char *const names[] = {"a_b", "a_truth", "b_truth"};
    const size_t count = json_array_size(halves);
    if (!json_is_array(halves) || count > ASSAY_AUDIT_HALVES) return 0;
    if (!count) return 1;
    const size_t steps = json_array_size(json_object_get(json_object_get(json_array_get(halves, 0), "error"), "a_b"));
    if (steps == 0 || steps > MOST_STEPS) return 0;
    x->halves = (int32_t)count;
    x->steps = (int32_t)steps;
    x->curve = calloc(ASSAY_AUDIT_CURVES * count * steps, sizeof *x->curve);
    for (int h = 0; h < x->halves && x->curve; h++) {
        const json_t *half = json_array_get(halves, (size_t)h), *error = json_object_get(half, "error");
        x->from_end[h] = json_is_true(json_object_get(half, "from_end"));
        x->wrong[h] = (int32_t)json_integer_value(json_object_get(half, "first_beyond_limit"));
        if (x->wrong[h] >= x->steps || !json_is_integer(json_object_get(half, "first_beyond_limit"))) return 0;
        for (int c = 0; c < ASSAY_AUDIT_CURVES; c++)
            if (!read_points(json_object_get(error, names[c]), x->steps,
                             x->curve + ((int64_t)c * x->halves + h) * x->steps))
                return 0;
    }
    return x->curve != NULL;
}

static int read_tensor(const json_t *from, assay_audit_tensor *x)
{
    return assay_json_word(from, "name", x->name, sizeof x->name) &&
           assay_json_word(from, "worst", x->worst, sizeof x->worst) &&
           assay_json_word(from, "beyond", x->where, sizeof x->where) && number(from, "error", &x->error) &&
           number(from, "error_a", &x->error_side[0]) && number(from, "error_b", &x->error_side[1]) &&
           number(from, "floor", &x->floor) && number(from, "bias", &x->bias) &&
           read_finding(json_object_get(from, "pair"), &x->pair) && read_time(json_object_get(from, "time"), x);
}

/* NULL, or what is missing or not what was expected. */
static const char *read_all(const json_t *root, assay_audit *out)
{
    const json_t *sides = json_object_get(root, "sides"), *tensors = json_object_get(root, "tensors");
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *seed = json_string_value(json_object_get(root, "seed"));
    if (!schema || strcmp(schema, ASSAY_AUDIT_SCHEMA)) return "schema";
    if (!assay_json_word(root, "case", out->what, sizeof out->what)) return "case";
    if (!verdict_by_name(root, &out->verdict)) return "verdict";
    if (!assay_json_word(root, "why", out->why, sizeof out->why)) return "why";
    if (!seed) return "seed";
    out->seed = strtoull(seed, NULL, 16);
    out->has_truth = json_is_true(json_object_get(root, "truth"));
    if (json_array_size(sides) != 2) return "sides";
    for (int k = 0; k < 2; k++) {
        const json_t *side = json_array_get(sides, (size_t)k);
        if (!assay_json_word(side, "label", out->side[k].label, sizeof out->side[k].label) ||
            !assay_json_word(side, "implementation", out->side[k].name, sizeof out->side[k].name) ||
            !assay_json_word(side, "cause", out->side[k].cause, sizeof out->side[k].cause) ||
            !assay_json_word(side, "wanders", out->side[k].wanders, sizeof out->side[k].wanders))
            return "sides";
    }
    const size_t count = json_array_size(tensors);
    if (!json_is_array(tensors) || count > ASSAY_TENSORS) return "tensors";
    out->at = calloc(count + 1, sizeof *out->at);
    for (size_t k = 0; k < count && out->at; k++) {
        out->count++;
        if (!read_tensor(json_array_get(tensors, k), &out->at[k])) return "tensors";
    }
    const json_t *worst = json_object_get(root, "worst");
    out->worst = (int32_t)json_integer_value(worst);
    if (!json_is_integer(worst) || out->worst < -1 || out->worst >= out->count) return "worst";
    return out->at ? NULL : "tensors";
}

assay_status assay_audit_parse(const json_t *root, const char *where, assay_audit *out, char *why, size_t why_size)
{
    memset(out, 0, sizeof *out);
    const char *bad = read_all(root, out);
    if (!bad) return ASSAY_OK;
    snprintf(why, why_size, "%s: audit: \"%s\" is missing or not what was expected", where, bad);
    return ASSAY_BAD_ARGUMENT;
}
