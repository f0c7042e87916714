/* floor_table.c: the table of noises as JSON.
 * SPDX-License-Identifier: MIT */
#include "conformance/floor_table.h"

#include "conformance/file.h"
#include "reference/tensors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_FORMAT = 1, LARGEST_FILE = 1 << 24 };

void assay_floor_table_begin(int format, double activation_ulp, assay_floor_table *out)
{
    const time_t now = time(NULL);
    struct tm day;
    memset(out, 0, sizeof *out);
    out->format = format;
    out->activation_ulp = activation_ulp;
    strftime(out->date, sizeof out->date, "%Y-%m-%d", gmtime_r(&now, &day));
    snprintf(out->generator, sizeof out->generator, "%s", ASSAY_REFERENCE_HASH);
}

assay_noise_row *assay_floor_table_row(assay_floor_table *t, const char *case_id, int seeds, int count)
{
    assay_noise_row *row = (assay_noise_row *)assay_floor_table_find(t, case_id);
    assay_noise *tensors = calloc((size_t)count + 1, sizeof *tensors);
    if (tensors && !row) {
        assay_noise_row *more = realloc(t->rows, (size_t)(t->count + 1) * sizeof *more);
        if (more) {
            t->rows = more;
            row = &more[t->count++];
            memset(row, 0, sizeof *row);
        }
    }
    if (!tensors || !row) {
        free(tensors);
        return NULL;
    }
    free(row->tensors);
    snprintf(row->case_id, sizeof row->case_id, "%s", case_id);
    row->seeds = seeds;
    row->count = count;
    row->tensors = tensors;
    return row;
}

const assay_noise_row *assay_floor_table_find(const assay_floor_table *t, const char *case_id)
{
    for (int k = 0; k < t->count; k++)
        if (!strcmp(t->rows[k].case_id, case_id)) return &t->rows[k];
    return NULL;
}

static void path_of(const char *folder, int format, char *path, size_t size)
{
    snprintf(path, size, "%s/cases.%s.json", folder, assay_format_name(format));
}

/* NULL: a noise is no finite number, or there's no memory. */
static json_t *row_to_json(const assay_noise_row *r)
{
    json_t *tensors = json_object();
    int bad = 0;
    for (int k = 0; k < r->count; k++) {
        const assay_noise *n = &r->tensors[k];
        bad |= json_object_set_new(tensors, n->tensor, json_pack("[f, f, f]", n->noise, n->phi, n->spread));
    }
    if (!bad) return json_pack("{s:i, s:o}", "seeds", r->seeds, "tensors", tensors);
    json_decref(tensors);
    return NULL;
}

assay_status assay_floor_table_write(const assay_floor_table *t, const char *folder, char *why, size_t why_size)
{
    char path[4096];
    json_t *cases = json_object();
    int bad = !cases;
    for (int k = 0; k < t->count; k++)
        bad |= json_object_set_new(cases, t->rows[k].case_id, row_to_json(&t->rows[k]));
    json_t *root = json_pack("{s:i, s:s, s:f, s:s, s:s, s:i, s:o}", "assay_floor_table", FILE_FORMAT, "arithmetic",
                             assay_format_name(t->format), "activation_ulp", t->activation_ulp, "measured", t->date,
                             "generator", t->generator, "runs", ASSAY_FLOOR_RUNS, "cases", cases);
    char *text = root && !bad ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(4)) : NULL;
    json_decref(root);
    if (!text) {
        snprintf(why, why_size, "table of floors: a noise is not a finite number, or there is no memory");
        return ASSAY_FAILED;
    }
    path_of(folder, t->format, path, sizeof path);
    assay_status st = assay_file_write(path, text, strlen(text), why, why_size);
    free(text);
    return st;
}

static int read_row(assay_floor_table *t, const char *case_id, const json_t *item)
{
    json_t *tensors, *pair;
    const char *name;
    int seeds, k = 0;
    if (json_unpack((json_t *)item, "{s:i, s:o}", "seeds", &seeds, "tensors", &tensors) || !json_is_object(tensors))
        return 0;
    assay_noise_row *row = assay_floor_table_row(t, case_id, seeds, (int)json_object_size(tensors));
    json_object_foreach(tensors, name, pair)
    {
        if (!row ||
            json_unpack(pair, "[F, F, F]", &row->tensors[k].noise, &row->tensors[k].phi, &row->tensors[k].spread))
            return 0;
        snprintf(row->tensors[k++].tensor, sizeof row->tensors->tensor, "%s", name);
    }
    return row != NULL;
}

static int read_head(const json_t *root, int format, assay_floor_table *out, const json_t **cases)
{
    int version;
    const char *arithmetic, *date, *generator;
    double ulp;
    if (json_unpack((json_t *)root, "{s:i, s:s, s:F, s:s, s:s, s:o}", "assay_floor_table", &version, "arithmetic",
                    &arithmetic, "activation_ulp", &ulp, "measured", &date, "generator", &generator, "cases", cases))
        return 0;
    if (version != FILE_FORMAT || strcmp(arithmetic, assay_format_name(format)) || !json_is_object(*cases)) return 0;
    assay_floor_table_begin(format, ulp, out);
    snprintf(out->date, sizeof out->date, "%s", date);
    snprintf(out->generator, sizeof out->generator, "%s", generator);
    return 1;
}

assay_status assay_floor_table_read(const char *folder, int format, assay_floor_table *out, char *why, size_t why_size)
{
    char path[4096], *text;
    size_t size;
    json_error_t error;
    const json_t *cases = NULL;
    const char *case_id;
    json_t *item;
    memset(out, 0, sizeof *out);
    path_of(folder, format, path, sizeof path);
    if (assay_file_read(path, LARGEST_FILE, &text, &size, why, why_size) != ASSAY_OK) return ASSAY_BAD_ARGUMENT;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    int ok = root && read_head(root, format, out, &cases);
    json_object_foreach((json_t *)cases, case_id, item) ok = ok && read_row(out, case_id, item);
    json_decref(root);
    if (ok) return ASSAY_OK;
    assay_floor_table_free(out);
    snprintf(why, why_size, "%s: expected a table of floors as `assay floor --table` writes it", path);
    return ASSAY_BAD_ARGUMENT;
}

void assay_floor_table_free(assay_floor_table *t)
{
    for (int k = 0; k < t->count; k++)
        free(t->rows[k].tensors);
    free(t->rows);
    memset(t, 0, sizeof *t);
}
