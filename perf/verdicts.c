/* verdicts.c: verdicts of a check, counted by implementation and check: to JSON and back.
 * SPDX-License-Identifier: MIT */
#include "perf/verdicts.h"

#include "perf/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 4096

void assay_verdicts_free(assay_verdicts *v)
{
    free(v->at);
    memset(v, 0, sizeof *v);
}

int assay_verdicts_add(assay_verdicts *v, const assay_verdicts_row *row)
{
    assay_verdicts_row *more = realloc(v->at, (size_t)(v->count + 1) * sizeof *more);
    if (!more) return 0;
    v->at = more;
    more[v->count++] = *row;
    return 1;
}

void assay_verdicts_of(const assay_verdicts *v, const char *impl, int64_t *all, int64_t *skipped)
{
    *all = *skipped = 0;
    for (int k = 0; k < v->count; k++) {
        const assay_verdicts_row *r = &v->at[k];
        if (strcmp(r->impl, impl) != 0) continue;
        *all += (int64_t)r->pass + r->bad + r->unsupported + r->skipped;
        *skipped += r->skipped;
    }
}

/* ---- to JSON ---- */

int assay_verdicts_put(const assay_verdicts *v, json_t *head)
{
    char seed[24];
    json_t *rows = json_array();
    int bad = !rows;
    for (int k = 0; k < v->count && !bad; k++) {
        const assay_verdicts_row *r = &v->at[k];
        bad |= json_array_append_new(rows, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:o, s:s, s:s}", "impl", r->impl,
                                                     "check", r->check, "pass", r->pass, "bad", r->bad, "unsupported",
                                                     r->unsupported, "skipped", r->skipped, "margin",
                                                     assay_json_real(r->margin), "at", r->margin_at, "why", r->why));
    }
    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)v->seed);
    json_t *body = bad ? NULL
                       : json_pack("{s:s, s:s, s:s, s:b, s:O}", "schema", ASSAY_VERDICTS_SCHEMA, "seed", seed, "level",
                                   v->level, "complete", v->complete, "table", rows);
    bad = !body || json_object_update(head, body);
    json_decref(body);
    json_decref(rows);
    return bad ? -1 : 0;
}

/* ---- back ---- */

static int count(const json_t *of, const char *name, int32_t *to)
{
    const json_t *v = json_object_get(of, name);
    const json_int_t n = json_integer_value(v);
    *to = (int32_t)n;
    return json_is_integer(v) && n >= 0 && n <= INT32_MAX;
}

/* NULL, or what is missing or not what was expected. */
static const char *read_row(const json_t *from, assay_verdicts_row *to)
{
    const json_t *margin = json_object_get(from, "margin");
    if (!assay_json_word(from, "impl", to->impl, sizeof to->impl)) return "impl";
    if (!assay_json_word(from, "check", to->check, sizeof to->check)) return "check";
    if (!count(from, "pass", &to->pass)) return "pass";
    if (!count(from, "bad", &to->bad)) return "bad";
    if (!count(from, "unsupported", &to->unsupported)) return "unsupported";
    if (!count(from, "skipped", &to->skipped)) return "skipped";
    if (!json_is_null(margin) && !(json_is_number(margin) && json_number_value(margin) >= 0)) return "margin";
    to->margin = json_is_null(margin) ? NAN : json_number_value(margin);
    if (!assay_json_word(from, "at", to->margin_at, sizeof to->margin_at)) return "at";
    if (!assay_json_word(from, "why", to->why, sizeof to->why)) return "why";
    return NULL;
}

/* A page has a column for each check that appears anywhere. */
static int has_few_checks(const assay_verdicts *v)
{
    const char *names[ASSAY_VERDICTS_CHECKS];
    int known = 0;
    for (int k = 0; k < v->count; k++) {
        int n = 0;
        while (n < known && strcmp(names[n], v->at[k].check) != 0)
            n++;
        if (n == ASSAY_VERDICTS_CHECKS) return 0;
        if (n == known) names[known++] = v->at[k].check;
    }
    return 1;
}

static const char *read_head(const json_t *root, assay_verdicts *out)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *seed = json_string_value(json_object_get(root, "seed"));
    char *end = NULL;
    if (!schema || strcmp(schema, ASSAY_VERDICTS_SCHEMA) != 0) return "schema";
    if (!assay_json_word(root, "version", out->version, sizeof out->version)) return "version";
    if (!assay_json_word(root, "time", out->time, sizeof out->time)) return "time";
    if (!assay_json_word(root, "level", out->level, sizeof out->level)) return "level";
    if (!seed || strlen(seed) != 16) return "seed";
    out->seed = strtoull(seed, &end, 16);
    if (*end) return "seed";
    if (!assay_json_flag(root, "complete", &out->complete)) return "complete";
    return NULL;
}

assay_status assay_verdicts_parse(const json_t *root, const char *where, assay_verdicts *out, char *why,
                                  size_t why_size)
{
    memset(out, 0, sizeof *out);
    const json_t *rows = json_object_get(root, "table"), *one;
    const char *bad = read_head(root, out);
    size_t k;
    if (!bad && (!json_is_array(rows) || json_array_size(rows) > MOST_ROWS)) bad = "table";
    if (bad) {
        snprintf(why, why_size, "%s: check: \"%s\" is missing or not what was expected", where, bad);
        return ASSAY_BAD_ARGUMENT;
    }
    json_array_foreach(rows, k, one)
    {
        assay_verdicts_row row = {0};
        bad = read_row(one, &row);
        if (bad) {
            snprintf(why, why_size, "%s: check: table[%zu]: \"%s\" is missing or not what was expected", where, k, bad);
            return ASSAY_BAD_ARGUMENT;
        }
        if (assay_verdicts_add(out, &row)) continue;
        snprintf(why, why_size, "%s: no memory", where);
        return ASSAY_NO_MEMORY;
    }
    if (has_few_checks(out)) return ASSAY_OK;
    snprintf(why, why_size, "%s: check: more than %d different checks", where, ASSAY_VERDICTS_CHECKS);
    return ASSAY_BAD_ARGUMENT;
}
