/* truth_file.c: proofs of the reference to JSON, and the tables that they make back from it.
 * SPDX-License-Identifier: MIT */
#include "perf/truth_file.h"

#include "perf/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PROOFS  200000
#define MOST_ROWS    1024 /* dialects, and methods */
#define MOST_SOURCES 64
#define MOST_TENSORS 1000000

void assay_truths_free(assay_truths *t)
{
    assay_truth_free(&t->table);
    free(t->source);
    memset(t, 0, sizeof *t);
}

json_t *assay_truth_proof_json(const assay_proof *p)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "op", p->op, "dialect", p->dialect, "tensor", p->tensor,
                     "what", p->what, "error", assay_json_real(p->error), "bound", assay_json_real(p->bound), "holds",
                     p->error <= p->bound);
}

/* ---- back ---- */

/* A string shorter than this, or NULL. */
static const char *word(const json_t *of, const char *name, size_t size)
{
    const char *text = json_string_value(json_object_get(of, name));
    return text && strlen(text) < size ? text : NULL;
}

/* An error that was no number is null, and beyond every bound. That it holds must be what its numbers say. */
static int measured(const json_t *of, double *error, double *bound, int *holds)
{
    const json_t *e = json_object_get(of, "error"), *b = json_object_get(of, "bound");
    *error = json_is_null(e) ? NAN : json_number_value(e);
    *bound = json_number_value(b);
    return (json_is_null(e) || (json_is_number(e) && *error >= 0)) && json_is_number(b) && *bound >= 0 &&
           assay_json_flag(of, "holds", holds) && *holds == (*error <= *bound);
}

/* NULL, or what is missing or not what was expected. */
static const char *read_proof(const json_t *from, assay_truths *out)
{
    assay_truth_row *row = NULL;
    assay_truth_line *line = NULL;
    int holds;
    assay_proof p = {.op = word(from, "op", sizeof row->op),
                     .dialect = word(from, "dialect", sizeof row->dialect),
                     .tensor = word(from, "tensor", sizeof line->worst_at - sizeof row->dialect),
                     .what = word(from, "what", sizeof line->what)};
    if (!p.op) return "op";
    if (!p.dialect) return "dialect";
    if (!p.tensor) return "tensor";
    if (!p.what) return "what";
    if (!measured(from, &p.error, &p.bound, &holds)) return "error";
    out->proofs++;
    out->broken += !holds;
    if (!assay_truth_note(&out->table, &p)) return "memory";
    if (out->table.row_count > MOST_ROWS) return "dialect";
    return out->table.line_count > MOST_ROWS ? "what" : NULL;
}

static assay_truth_source *source_of(assay_truths *t, const char *name)
{
    for (int k = 0; k < t->source_count; k++)
        if (!strcmp(t->source[k].name, name)) return &t->source[k];
    assay_truth_source *more = realloc(t->source, (size_t)(t->source_count + 1) * sizeof *more);
    if (!more) return NULL;
    t->source = more;
    memset(&more[t->source_count], 0, sizeof *more);
    strcpy(more[t->source_count].name, name);
    return &more[t->source_count++];
}

static const char *read_vector(const json_t *from, assay_truths *out)
{
    char name[sizeof out->source->name];
    double error, bound;
    int holds;
    const char *source = word(from, "source", 33), *version = word(from, "version", 33);
    const char *file = word(from, "file", 129), *worst = word(from, "worst", 25);
    const json_t *tensors = json_object_get(from, "tensors");
    const json_int_t count = json_integer_value(tensors);
    if (!source) return "source";
    if (!version) return "version";
    if (!file) return "file";
    if (!worst) return "worst";
    if (!json_is_integer(tensors) || count < 0 || count > MOST_TENSORS) return "tensors";
    if (!measured(from, &error, &bound, &holds)) return "error";
    snprintf(name, sizeof name, "%s %s", source, version);
    assay_truth_source *s = source_of(out, name);
    if (!s) return "memory";
    if (out->source_count > MOST_SOURCES) return "source";
    s->files++;
    s->tensors += (int32_t)count;
    s->beyond += !holds;
    if (assay_truth_cell_note(&s->worst, error, bound)) snprintf(s->worst_at, sizeof s->worst_at, "%s %s", file, worst);
    return NULL;
}

static const char *read_head(const json_t *root, assay_truths *out)
{
    const char *schema = word(root, "schema", 32);
    if (!schema || strcmp(schema, ASSAY_TRUTH_SCHEMA) != 0) return "schema";
    if (!assay_json_word(root, "version", out->version, sizeof out->version)) return "version";
    if (!assay_json_word(root, "time", out->time, sizeof out->time)) return "time";
    if (!assay_json_flag(root, "full", &out->full)) return "full";
    if (!assay_json_flag(root, "complete", &out->complete)) return "complete";
    if (json_array_size(json_object_get(root, "proofs")) > MOST_PROOFS) return "proofs";
    if (json_array_size(json_object_get(root, "golden")) > MOST_PROOFS) return "golden";
    return NULL;
}

static assay_status read_list(const json_t *root, const char *list, const char *where,
                              const char *(*read)(const json_t *from, assay_truths *out), assay_truths *out, char *why,
                              size_t why_size)
{
    const json_t *all = json_object_get(root, list), *one;
    size_t k;
    if (!json_is_array(all)) {
        snprintf(why, why_size, "%s: truth: \"%s\" is missing or not what was expected", where, list);
        return ASSAY_BAD_ARGUMENT;
    }
    json_array_foreach(all, k, one)
    {
        const char *bad = read(one, out);
        if (!bad) continue;
        if (!strcmp(bad, "memory")) {
            snprintf(why, why_size, "%s: no memory", where);
            return ASSAY_NO_MEMORY;
        }
        snprintf(why, why_size, "%s: %s[%zu]: \"%s\" is missing or not what was expected", where, list, k, bad);
        return ASSAY_BAD_ARGUMENT;
    }
    return ASSAY_OK;
}

assay_status assay_truths_parse(const json_t *root, const char *where, assay_truths *out, char *why, size_t why_size)
{
    memset(out, 0, sizeof *out);
    const char *bad = read_head(root, out);
    if (bad) {
        snprintf(why, why_size, "%s: truth: \"%s\" is missing or not what was expected", where, bad);
        return ASSAY_BAD_ARGUMENT;
    }
    const assay_status st = read_list(root, "proofs", where, read_proof, out, why, why_size);
    return st == ASSAY_OK ? read_list(root, "golden", where, read_vector, out, why, why_size) : st;
}
