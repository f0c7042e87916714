/* convergence_file.c: training runs to JSON and back.
 * SPDX-License-Identifier: MIT */
#include "perf/convergence.h"

#include "perf/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_UPDATES 1000000

static json_t *numbers(const double *v, int count)
{
    json_t *all = json_array();
    for (int k = 0; k < count; k++)
        json_array_append_new(all, assay_json_real(v[k]));
    return all;
}

json_t *assay_convergence_json(const assay_convergence *c)
{
    char seed[24];
    json_t *pupils = json_array();
    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)c->seed);
    for (int k = 0; k < c->pupil_count; k++) {
        const assay_pupil *p = &c->pupil[k];
        const int curve = p->worst >= 0;
        json_array_append_new(
            pupils, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:i, s:i, s:o}", "label", p->label, "implementation",
                              p->name, "version", p->version, "verdict", assay_verdict_name(p->verdict), "why", p->why,
                              "margin", assay_json_real(p->margin), "right", p->right, "worst_update", p->worst,
                              "left_band_at", p->left, "loss", curve ? numbers(p->loss, c->updates) : json_null()));
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "task", c->task, "what", c->what, "seed",
                     seed, "test_samples", c->test_rows, "right", c->right, "undecided", c->undecided, "threads",
                     c->threads, "loss", numbers(c->loss, c->updates), "band", numbers(c->band, c->updates), "pupils",
                     pupils);
}

static int whole(const json_t *of, const char *name, int32_t *to)
{
    const json_t *v = json_object_get(of, name);
    *to = (int32_t)json_integer_value(v);
    return json_is_integer(v);
}

/* `count` numbers, freshly made; NULL. */
static double *read_numbers(const json_t *from, int count)
{
    if (!json_is_array(from) || json_array_size(from) != (size_t)count) return NULL;
    double *v = calloc((size_t)count + 1, sizeof *v);
    for (int k = 0; v && k < count; k++) {
        const json_t *x = json_array_get(from, (size_t)k);
        if (!json_is_number(x) && !json_is_null(x)) {
            free(v);
            return NULL;
        }
        v[k] = json_is_null(x) ? NAN : json_number_value(x);
    }
    return v;
}

static int read_pupil(const json_t *from, int updates, assay_pupil *p)
{
    const char *verdict = json_string_value(json_object_get(from, "verdict"));
    int known = 0;
    for (int v = 0; verdict && v < ASSAY_VERDICT_COUNT; v++)
        if (!strcmp(verdict, assay_verdict_name((assay_verdict)v))) {
            p->verdict = (assay_verdict)v;
            known = 1;
        }
    if (!known || !assay_json_word(from, "label", p->label, sizeof p->label) ||
        !assay_json_word(from, "implementation", p->name, sizeof p->name) ||
        !assay_json_word(from, "why", p->why, sizeof p->why) || !whole(from, "right", &p->right) ||
        !whole(from, "worst_update", &p->worst) || !whole(from, "left_band_at", &p->left))
        return 0;
    const json_t *margin = json_object_get(from, "margin");
    p->margin = json_is_number(margin) ? json_number_value(margin) : INFINITY;
    if (p->worst < 0) return 1;
    p->loss = read_numbers(json_object_get(from, "loss"), updates);
    return p->loss != NULL;
}

/* NULL, or what is missing or not what was expected. */
static const char *read_all(const json_t *from, assay_convergence *out)
{
    const json_t *loss = json_object_get(from, "loss"), *pupils = json_object_get(from, "pupils");
    const char *seed = json_string_value(json_object_get(from, "seed"));
    const size_t updates = json_array_size(loss);
    if (!assay_json_word(from, "task", out->task, sizeof out->task)) return "task";
    if (!assay_json_word(from, "what", out->what, sizeof out->what)) return "what";
    if (!seed) return "seed";
    out->seed = strtoull(seed, NULL, 16);
    if (!whole(from, "test_samples", &out->test_rows)) return "test_samples";
    if (!whole(from, "right", &out->right)) return "right";
    if (!whole(from, "undecided", &out->undecided)) return "undecided";
    if (updates < 1 || updates > MOST_UPDATES) return "loss";
    out->updates = (int32_t)updates;
    if (!(out->loss = read_numbers(loss, out->updates))) return "loss";
    if (!(out->band = read_numbers(json_object_get(from, "band"), out->updates))) return "band";
    if (!json_is_array(pupils) || json_array_size(pupils) > ASSAY_MOST_PUPILS) return "pupils";
    for (size_t k = 0; k < json_array_size(pupils); k++) {
        out->pupil_count++;
        if (!read_pupil(json_array_get(pupils, k), out->updates, &out->pupil[k])) return "pupils";
    }
    return NULL;
}

assay_status assay_convergence_parse(const json_t *from, const char *where, assay_convergence *out, char *why,
                                     size_t why_size)
{
    memset(out, 0, sizeof *out);
    const char *bad = read_all(from, out);
    if (!bad) return ASSAY_OK;
    snprintf(why, why_size, "%s: task: \"%s\" is missing or not what was expected", where, bad);
    return ASSAY_BAD_ARGUMENT;
}
