/* report.c: picks the writer; entries for dashboards.
 * SPDX-License-Identifier: MIT */
#include "perf/report.h"

#include "conformance/file.h"
#include "perf/audit_file.h"
#include "perf/report_parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int assay_report_format_by_name(const char *name)
{
    static const char *const names[] = {[ASSAY_REPORT_TABLE] = "table",
                                        [ASSAY_REPORT_MARKDOWN] = "markdown",
                                        [ASSAY_REPORT_HTML] = "html",
                                        [ASSAY_REPORT_JSON] = "json",
                                        [ASSAY_REPORT_SMALLER] = "customSmallerIsBetter"};
    for (int k = 0; k < (int)(sizeof names / sizeof *names); k++)
        if (!strcmp(name, names[k])) return k;
    return -1;
}

static char *smaller_is_better(const assay_records *list)
{
    json_t *root = json_array();
    int bad = !root;
    for (int32_t k = 0; k < list->count; k++) {
        const assay_record *r = &list->at[k];
        char name[160], range[64], extra[160];
        snprintf(name, sizeof name, "%s/%s/%s/%s", r->workload, r->implementation, r->arithmetic, r->phase);
        snprintf(range, sizeof range, "%.4g .. %.4g", r->low_ms, r->high_ms);
        snprintf(extra, sizeof extra, "n %d, margin %.3g, seed 0x%016llx, %s", (int)r->n, r->margin,
                 (unsigned long long)r->seed, r->machine.cpu);
        bad |= json_array_append_new(root, json_pack("{sssssfssss}", "name", name, "unit", "ms", "value", r->median_ms,
                                                     "range", range, "extra", extra));
    }
    char *text = bad ? NULL : json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(2));
    json_decref(root);
    return text;
}

int assay_report_is_of_times(const assay_report_parts *p)
{
    const assay_report_beside *b = p->beside;
    const int beside =
        b && (b->audit_count || b->convergence_count || b->kills_count || b->truths_count || b->verdicts_count);
    return p->list->count || p->list->left_count || !beside;
}

static char *write_document(const assay_report_parts *p, assay_report_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f && format == ASSAY_REPORT_TABLE) assay_report_table(f, p);
    if (f && format == ASSAY_REPORT_MARKDOWN) assay_report_markdown(f, p);
    if (f && format == ASSAY_REPORT_HTML) assay_report_html(f, p);
    if (f && fclose(f)) {
        free(text);
        text = NULL;
    }
    return text;
}

static char *document(const assay_records *list, const assay_report_beside *beside, assay_report_format format)
{
    assay_report_parts p = {.list = list, .beside = beside};
    char *text = NULL;
    if (assay_report_groups_make(list, &p.groups) != ASSAY_OK) return NULL;
    if (assay_scalings_make(list, &p.scalings) == ASSAY_OK && assay_histories_make(list, &p.histories) == ASSAY_OK &&
        assay_spreads_make(list, &p.spreads) == ASSAY_OK)
        text = write_document(&p, format);
    assay_spreads_free(&p.spreads);
    assay_histories_free(&p.histories);
    assay_scalings_free(&p.scalings);
    assay_report_groups_free(&p.groups);
    return text;
}

/* ---- what is no record ---- */

#define FILE_LIMIT (64u << 20)

void assay_report_beside_free(assay_report_beside *b)
{
    for (int k = 0; k < b->audit_count; k++)
        assay_audit_free(&b->audit[k]);
    for (int k = 0; k < b->convergence_count; k++) {
        assay_convergence_free(b->convergence[k]);
        free(b->convergence[k]);
    }
    for (int k = 0; k < b->kills_count; k++)
        assay_kills_free(&b->kills[k]);
    for (int k = 0; k < b->truths_count; k++)
        assay_truths_free(&b->truths[k]);
    for (int k = 0; k < b->verdicts_count; k++)
        assay_verdicts_free(&b->verdicts[k]);
    memset(b, 0, sizeof *b);
}

static assay_status add_audit(const json_t *root, const char *path, assay_report_beside *beside, char *why,
                              size_t why_size)
{
    if (beside->audit_count == ASSAY_MOST_BESIDE) {
        snprintf(why, why_size, "%s: more than %d audits", path, ASSAY_MOST_BESIDE);
        return ASSAY_BAD_ARGUMENT;
    }
    return assay_audit_parse(root, path, &beside->audit[beside->audit_count++], why, why_size);
}

static int has_room(int count, const char *path, const char *what, char *why, size_t why_size)
{
    if (count < ASSAY_MOST_PROOFS) return 1;
    snprintf(why, why_size, "%s: more than %d files of %s", path, ASSAY_MOST_PROOFS, what);
    return 0;
}

static assay_status add_kills(const json_t *root, const char *path, assay_report_beside *beside, char *why,
                              size_t why_size)
{
    if (!has_room(beside->kills_count, path, "mutants", why, why_size)) return ASSAY_BAD_ARGUMENT;
    return assay_kills_parse(root, path, &beside->kills[beside->kills_count++], why, why_size);
}

static assay_status add_truths(const json_t *root, const char *path, assay_report_beside *beside, char *why,
                               size_t why_size)
{
    if (!has_room(beside->truths_count, path, "proofs", why, why_size)) return ASSAY_BAD_ARGUMENT;
    return assay_truths_parse(root, path, &beside->truths[beside->truths_count++], why, why_size);
}

static assay_status add_verdicts(const json_t *root, const char *path, assay_report_beside *beside, char *why,
                                 size_t why_size)
{
    if (!has_room(beside->verdicts_count, path, "checks", why, why_size)) return ASSAY_BAD_ARGUMENT;
    return assay_verdicts_parse(root, path, &beside->verdicts[beside->verdicts_count++], why, why_size);
}

static assay_status add_convergence(const json_t *root, const char *path, assay_report_beside *beside, char *why,
                                    size_t why_size)
{
    const json_t *tasks = json_object_get(root, "tasks"), *one;
    size_t k;
    if (!json_is_array(tasks) || beside->convergence_count + json_array_size(tasks) > ASSAY_MOST_BESIDE) {
        snprintf(why, why_size, "%s: \"tasks\": expected a list of at most %d in all", path, ASSAY_MOST_BESIDE);
        return ASSAY_BAD_ARGUMENT;
    }
    json_array_foreach(tasks, k, one)
    {
        assay_convergence *c = calloc(1, sizeof *c);
        if (!c) {
            snprintf(why, why_size, "%s: no memory", path);
            return ASSAY_NO_MEMORY;
        }
        beside->convergence[beside->convergence_count++] = c;
        const assay_status st = assay_convergence_parse(one, path, c, why, why_size);
        if (st != ASSAY_OK) return st;
    }
    return ASSAY_OK;
}

static const struct {
    const char *schema;
    assay_status (*add)(const json_t *root, const char *path, assay_report_beside *beside, char *why, size_t why_size);
} kinds[] = {{ASSAY_AUDIT_SCHEMA, add_audit},
             {ASSAY_CONVERGENCE_SCHEMA, add_convergence},
             {ASSAY_KILLS_SCHEMA, add_kills},
             {ASSAY_TRUTH_SCHEMA, add_truths},
             {ASSAY_VERDICTS_SCHEMA, add_verdicts}};
#define KINDS (sizeof kinds / sizeof *kinds)

int assay_report_has_room(assay_report_format format, const assay_report_beside *b)
{
    const int drawn = b->audit_count + b->convergence_count,
              listed = b->kills_count + b->truths_count + b->verdicts_count;
    switch (format) {
    case ASSAY_REPORT_HTML:
        return 1;
    case ASSAY_REPORT_TABLE:
    case ASSAY_REPORT_MARKDOWN:
        return !drawn;
    default:
        return !drawn && !listed;
    }
}

assay_status assay_report_read(const char *path, assay_records *list, assay_report_beside *beside, char *why,
                               size_t why_size)
{
    char *text = NULL;
    size_t size = 0;
    assay_status st = assay_file_read(path, FILE_LIMIT, &text, &size, why, why_size);
    if (st != ASSAY_OK) return st;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    size_t k = 0;
    while (schema && k < KINDS && strcmp(schema, kinds[k].schema) != 0)
        k++;
    if (schema && k < KINDS)
        st = kinds[k].add(root, path, beside, why, why_size);
    else
        st = assay_records_parse(text, path, list, why, why_size);
    if (st != ASSAY_OK) assay_file_clean_message(why);
    json_decref(root);
    free(text);
    return st;
}

char *assay_report_text(const assay_records *list, assay_report_format format)
{
    return assay_report_text_with(list, NULL, format);
}

char *assay_report_text_with(const assay_records *list, const assay_report_beside *beside, assay_report_format format)
{
    switch (format) {
    case ASSAY_REPORT_JSON:
        return assay_records_text(list);
    case ASSAY_REPORT_SMALLER:
        return smaller_is_better(list);
    default:
        return document(list, beside, format);
    }
}
