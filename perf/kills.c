/* kills.c: mutants and who killed them: collected, counted, to JSON and back.
 * SPDX-License-Identifier: MIT */
#include "perf/kills.h"

#include "perf/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 4096

void assay_kills_free(assay_kills *k)
{
    free(k->at);
    memset(k, 0, sizeof *k);
}

/* ---- what a run found ---- */

static assay_kill *append(assay_kills *k)
{
    assay_kill *more = realloc(k->at, (size_t)(k->count + 1) * sizeof *more);
    if (!more) return NULL;
    k->at = more;
    memset(&more[k->count], 0, sizeof *more);
    return &more[k->count++];
}

int assay_kills_add(assay_kills *k, const assay_mutation_result *r)
{
    const assay_mutant *m = r->mutant;
    assay_kill *to = append(k);
    if (!to) return 0;
    snprintf(to->name, sizeof to->name, "%s", m->name);
    snprintf(to->id, sizeof to->id, "%s", m->id);
    snprintf(to->what, sizeof to->what, "%s", m->what);
    snprintf(to->checks, sizeof to->checks, "%s", m->checks);
    snprintf(to->why, sizeof to->why, "%s", r->why);
    snprintf(to->cause, sizeof to->cause, "%s", r->cause);
    to->held = r->held;
    to->cause_asked = assay_mutant_cause(m->name) != NULL;
    to->cause_named = r->named;
    to->margin = r->weakest;
    to->by_count = r->by_count;
    for (int b = 0; b < r->by_count; b++) {
        assay_killer *by = &to->by[b];
        snprintf(by->check, sizeof by->check, "%s", r->by[b].check);
        snprintf(by->case_id, sizeof by->case_id, "%s", r->by[b].case_id);
        snprintf(by->what, sizeof by->what, "%s", r->by[b].what);
        by->kills = r->by[b].kills;
        by->margin = r->by[b].margin;
    }
    return 1;
}

int assay_kills_held(const assay_kills *k)
{
    int held = 0;
    for (int i = 0; i < k->count; i++)
        held += k->at[i].held;
    return held;
}

int assay_kills_by(const assay_kills *k, const char *check, int *alone)
{
    int killed = 0;
    *alone = 0;
    for (int i = 0; i < k->count; i++) {
        int killers = 0, this_one = 0;
        for (int b = 0; b < k->at[i].by_count; b++) {
            if (k->at[i].by[b].kills == 0) continue;
            killers++;
            this_one |= !strcmp(k->at[i].by[b].check, check);
        }
        killed += this_one;
        *alone += this_one && killers == 1;
    }
    return killed;
}

int assay_kills_causes(const assay_kills *k, int *named)
{
    int asked = 0;
    *named = 0;
    for (int i = 0; i < k->count; i++) {
        asked += k->at[i].cause_asked;
        *named += k->at[i].cause_asked && k->at[i].cause_named;
    }
    return asked;
}

const assay_kill *assay_kills_weakest(const assay_kills *k)
{
    const assay_kill *weakest = NULL;
    for (int i = 0; i < k->count && !k->honest; i++)
        if (k->at[i].held && (!weakest || k->at[i].margin < weakest->margin)) weakest = &k->at[i];
    return weakest;
}

/* ---- to JSON ---- */

static json_t *row_json(const assay_kill *m)
{
    json_t *by = json_array();
    int bad = !by;
    for (int k = 0; k < m->by_count; k++) {
        const assay_killer *b = &m->by[k];
        bad |= json_array_append_new(by, json_pack("{s:s, s:i, s:o, s:s, s:s}", "check", b->check, "kills", b->kills,
                                                   "margin", assay_json_real(b->margin), "case", b->case_id, "what",
                                                   b->what));
    }
    json_t *row = bad ? NULL
                      : json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:s, s:s, s:b, s:b, s:O}", "name", m->name, "id",
                                  m->id, "what", m->what, "held", m->held, "margin", assay_json_real(m->margin),
                                  "named", m->checks, "why", m->why, "cause", m->cause, "cause_asked", m->cause_asked,
                                  "cause_named", m->cause_named, "by", by);
    json_decref(by);
    return row;
}

int assay_kills_put(const assay_kills *k, json_t *head)
{
    char seed[24];
    json_t *rows = json_array();
    int bad = !rows;
    for (int i = 0; i < k->count && !bad; i++)
        bad |= json_array_append_new(rows, row_json(&k->at[i]));
    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)k->seed);
    json_t *body = bad ? NULL
                       : json_pack("{s:s, s:s, s:b, s:b, s:b, s:O}", "schema", ASSAY_KILLS_SCHEMA, "seed", seed,
                                   "honest", k->honest, "complete", k->complete, "all", k->all, "mutants", rows);
    bad = !body || json_object_update(head, body);
    json_decref(body);
    json_decref(rows);
    return bad ? -1 : 0;
}

/* ---- back ---- */

/* Of what stopped no number came: null, beyond every limit. */
static int margin(const json_t *of, double *to)
{
    const json_t *v = json_object_get(of, "margin");
    *to = json_is_null(v) ? INFINITY : json_number_value(v);
    return json_is_null(v) || (json_is_number(v) && *to >= 0);
}

static int read_killer(const json_t *from, assay_killer *to)
{
    const json_t *kills = json_object_get(from, "kills");
    const json_int_t count = json_integer_value(kills);
    to->kills = (int32_t)count;
    return json_is_integer(kills) && count >= 0 && count <= INT32_MAX &&
           assay_json_word(from, "check", to->check, sizeof to->check) && margin(from, &to->margin) &&
           assay_json_word(from, "case", to->case_id, sizeof to->case_id) &&
           assay_json_word(from, "what", to->what, sizeof to->what);
}

/* NULL, or what is missing or not what was expected. */
static const char *read_row(const json_t *from, assay_kill *to)
{
    const json_t *by = json_object_get(from, "by");
    if (!assay_json_word(from, "name", to->name, sizeof to->name)) return "name";
    if (!assay_json_word(from, "id", to->id, sizeof to->id)) return "id";
    if (!assay_json_word(from, "what", to->what, sizeof to->what)) return "what";
    if (!assay_json_word(from, "named", to->checks, sizeof to->checks)) return "named";
    if (!assay_json_word(from, "why", to->why, sizeof to->why)) return "why";
    if (!assay_json_word(from, "cause", to->cause, sizeof to->cause)) return "cause";
    if (!assay_json_flag(from, "held", &to->held)) return "held";
    if (!assay_json_flag(from, "cause_asked", &to->cause_asked)) return "cause_asked";
    if (!assay_json_flag(from, "cause_named", &to->cause_named)) return "cause_named";
    if (!margin(from, &to->margin)) return "margin";
    if (!json_is_array(by) || json_array_size(by) > ASSAY_MUTATION_CHECKS) return "by";
    for (size_t k = 0; k < json_array_size(by); k++) {
        to->by_count++;
        if (!read_killer(json_array_get(by, k), &to->by[k])) return "by";
    }
    return NULL;
}

/* A page has a line for each check that appears anywhere. */
static int has_few_checks(const assay_kills *k)
{
    const char *names[ASSAY_KILLS_CHECKS];
    int count = 0;
    for (int i = 0; i < k->count; i++)
        for (int b = 0; b < k->at[i].by_count; b++) {
            int n = 0;
            while (n < count && strcmp(names[n], k->at[i].by[b].check) != 0)
                n++;
            if (n == ASSAY_KILLS_CHECKS) return 0;
            if (n == count) names[count++] = k->at[i].by[b].check;
        }
    return 1;
}

static const char *read_head(const json_t *root, assay_kills *out)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *seed = json_string_value(json_object_get(root, "seed"));
    char *end = NULL;
    if (!schema || strcmp(schema, ASSAY_KILLS_SCHEMA) != 0) return "schema";
    if (!assay_json_word(root, "version", out->version, sizeof out->version)) return "version";
    if (!assay_json_word(root, "time", out->time, sizeof out->time)) return "time";
    if (!seed || strlen(seed) != 16) return "seed";
    out->seed = strtoull(seed, &end, 16);
    if (*end) return "seed";
    if (!assay_json_flag(root, "honest", &out->honest)) return "honest";
    if (!assay_json_flag(root, "complete", &out->complete)) return "complete";
    if (!assay_json_flag(root, "all", &out->all)) return "all";
    return NULL;
}

assay_status assay_kills_parse(const json_t *root, const char *where, assay_kills *out, char *why, size_t why_size)
{
    memset(out, 0, sizeof *out);
    const json_t *rows = json_object_get(root, "mutants"), *one;
    const char *bad = read_head(root, out);
    size_t k;
    if (!bad && (!json_is_array(rows) || json_array_size(rows) > MOST_ROWS)) bad = "mutants";
    if (bad) {
        snprintf(why, why_size, "%s: mutants: \"%s\" is missing or not what was expected", where, bad);
        return ASSAY_BAD_ARGUMENT;
    }
    json_array_foreach(rows, k, one)
    {
        assay_kill *to = append(out);
        if (!to) {
            snprintf(why, why_size, "%s: no memory", where);
            return ASSAY_NO_MEMORY;
        }
        bad = read_row(one, to);
        if (!bad) continue;
        snprintf(why, why_size, "%s: mutants[%zu]: \"%s\" is missing or not what was expected", where, k, bad);
        return ASSAY_BAD_ARGUMENT;
    }
    if (has_few_checks(out)) return ASSAY_OK;
    snprintf(why, why_size, "%s: mutants: more than %d different checks", where, ASSAY_KILLS_CHECKS);
    return ASSAY_BAD_ARGUMENT;
}
