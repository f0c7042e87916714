/* merge.c: folders, files, records.
 * SPDX-License-Identifier: MIT */
#include "perf/merge.h"

#include "conformance/file.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)1 << 28)

enum { FIRST = 256 };

static int is_json(const struct dirent *e)
{
    const size_t length = strlen(e->d_name);
    return length > 5 && !strcmp(e->d_name + length - 5, ".json");
}

/* 1 records, 0 something else, -1 no JSON. */
static int holds_records(const char *text)
{
    json_t *root = json_loads(text, 0, NULL);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const int answer = !root ? -1 : schema && !strncmp(schema, "assay.records/", strlen("assay.records/"));
    json_decref(root);
    return answer;
}

static int same_row(const assay_record *a, const assay_record *b)
{
    return !strcmp(a->workload, b->workload) && !strcmp(a->implementation, b->implementation) &&
           !strcmp(a->arithmetic, b->arithmetic) && !strcmp(a->phase, b->phase) &&
           !strcmp(a->machine.cpu, b->machine.cpu) && !strcmp(a->device.name, b->device.name) &&
           !strcmp(a->machine.node, b->machine.node);
}

static int same_measurement(const assay_record *a, const assay_record *b)
{
    return a->seed == b->seed && a->n == b->n && !strcmp(a->time, b->time) &&
           !memcmp(a->samples_ms, b->samples_ms, (size_t)a->n * sizeof *a->samples_ms);
}

/* Takes the record at `at` out of the list if it is there already. 0: two that contradict each other. */
static int is_new_or_the_same(assay_records *list, int32_t at, assay_merged *sum)
{
    const assay_record *r = &list->at[at];
    for (int32_t k = 0; k < at; k++) {
        if (!same_row(&list->at[k], r)) continue;
        if (!same_measurement(&list->at[k], r)) return 0;
        free(list->at[at].samples_ms);
        memmove(&list->at[at], &list->at[at + 1], (size_t)(list->count - at - 1) * sizeof *list->at);
        list->count--;
        sum->repeated++;
        return 1;
    }
    return 1;
}

static assay_status check(const char *path, assay_records *list, int32_t from, assay_merged *sum, char *first,
                          char *why, size_t why_size)
{
    if (from == 0 && list->count) snprintf(first, FIRST, "%.*s", FIRST - 1, path);
    for (int32_t k = from; k < list->count;) {
        const assay_record *r = &list->at[k], *one = &list->at[0];
        const int32_t before = list->count;
        if (strcmp(r->suite_version, one->suite_version) || strcmp(r->commit, one->commit)) {
            snprintf(why, why_size, "%.150s: of suite %s at %.14s, expected that of %.150s: %s at %.14s", path,
                     r->suite_version, r->commit, first, one->suite_version, one->commit);
            return ASSAY_BAD_ARGUMENT;
        }
        if (!is_new_or_the_same(list, k, sum)) {
            snprintf(why, why_size, "%.200s: a second record of %s %s %s %s, another than the first: expected one",
                     path, r->workload, r->implementation, r->arithmetic, r->phase);
            return ASSAY_BAD_ARGUMENT;
        }
        if (list->count == before) k++;
    }
    return ASSAY_OK;
}

static assay_status add_file(const char *path, assay_records *list, assay_merged *sum, char *first, char *why,
                             size_t why_size)
{
    char *text = NULL;
    size_t size = 0;
    const int32_t from = list->count;
    assay_status st = assay_file_read(path, FILE_LIMIT, &text, &size, why, why_size);
    const int kind = st == ASSAY_OK ? holds_records(text) : 0;
    if (st == ASSAY_OK && kind == 0) sum->others++;
    if (st == ASSAY_OK && kind != 0) st = assay_records_parse(text, path, list, why, why_size); /* says where it ends */
    if (st == ASSAY_OK && kind > 0) {
        sum->files++;
        st = check(path, list, from, sum, first, why, why_size);
    }
    free(text);
    return st == ASSAY_OK || st == ASSAY_NO_MEMORY ? st : ASSAY_BAD_ARGUMENT;
}

assay_status assay_merge_folder(const char *folder, assay_records *list, assay_merged *sum, char *first, char *why,
                                size_t why_size)
{
    struct dirent **names = NULL;
    assay_status st = ASSAY_OK;
    const int count = scandir(folder, &names, is_json, alphasort);
    if (count < 0) {
        snprintf(why, why_size, "%.200s: cannot be read as a folder: %s", folder, strerror(errno));
        return ASSAY_BAD_ARGUMENT;
    }
    for (int k = 0; k < count; k++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, names[k]->d_name);
        if (st == ASSAY_OK) st = add_file(path, list, sum, first, why, why_size);
        free(names[k]);
    }
    free(names);
    sum->folders++;
    return st;
}

void assay_merge_settle(assay_records *list)
{
    int32_t kept = 0;
    for (int32_t k = 0; k < list->left_count; k++) {
        const assay_left_out *l = &list->left[k];
        int timed = 0;
        for (int32_t r = 0; r < list->count; r++)
            timed |= !strcmp(list->at[r].workload, l->workload) &&
                     !strcmp(list->at[r].implementation, l->implementation) &&
                     (!strcmp(l->phase, "all") || !strcmp(l->phase, list->at[r].phase));
        const int settled = timed && !strncmp(l->why, "budget:", strlen("budget:"));
        if (!settled) list->left[kept++] = *l;
    }
    list->left_count = kept;
}
