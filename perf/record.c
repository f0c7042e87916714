/* record.c: one table of fields writes and reads a record.
 * SPDX-License-Identifier: MIT */
#include "perf/record.h"

#include "conformance/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA     "assay.records/1"
#define FILE_LIMIT ((size_t)1 << 28)

/* TIME: a number that is not below 0. LATER: a number that records of earlier suites lack: NaN then. LATER_WORD: a
 * word, "" then. LATER_COUNT: 0. */
typedef enum kind { WORD, COUNT, NUMBER, TIME, SEED, LATER, LATER_WORD, LATER_COUNT } kind;

typedef struct field {
    const char *group, *name; /* group: "" = the record itself */
    kind kind;
    size_t offset, size;
} field;

#define F(group_, kind_, name_, member_)                                                                               \
    {                                                                                                                  \
        group_, name_, kind_, offsetof(assay_record, member_), sizeof(((assay_record *)0)->member_)                    \
    }
#define W(group, member)      F(group, WORD, #member, member)
#define EQUAL(member)         F("equal_work", WORD, #member, work.member)
#define MACHINE(kind, member) F("machine", kind, #member, machine.member)
#define DEVICE(kind, member)  F("device", kind, #member, device.member)

static const field fields[] = {
    W("", workload),
    W("", implementation),
    W("", version),
    W("", arithmetic),
    W("declared", operand),
    W("declared", accumulate),
    W("declared", store),
    F("declared", NUMBER, "activation_ulp", activation_ulp),
    F("declared", COUNT, "deterministic", deterministic),
    F("declared", COUNT, "allocates", allocates),
    W("", sandbox),
    W("", phase),
    F("", COUNT, "threads", threads),
    F("time", TIME, "median_ms", median_ms),
    F("time", TIME, "q1_ms", q1_ms),
    F("time", TIME, "q3_ms", q3_ms),
    F("time", TIME, "min_ms", min_ms),
    F("time", TIME, "mean_ms", mean_ms),
    F("time", TIME, "p95_ms", p95_ms),
    F("time", TIME, "low_ms", low_ms),
    F("time", TIME, "high_ms", high_ms),
    F("time", COUNT, "n", n),
    F("time", COUNT, "calls", calls),
    F("time", TIME, "round_trip_ms", round_trip_ms),
    F("time", TIME, "worker_ms", worker_ms),
    F("roof", NUMBER, "gflop", gflop),
    F("roof", NUMBER, "gflop_per_s", gflop_per_s),
    F("roof", NUMBER, "peak_gflop_per_s", peak_gflop_per_s),
    F("roof", NUMBER, "roof_ms", roof_ms),
    F("roof", NUMBER, "roof_share", roof_share),
    F("roof", LATER, "sgemm_gflop_per_s", sgemm_gflop_per_s),
    F("roof", LATER_WORD, "sgemm_by", sgemm_by),
    W("roof", limit),
    F("memory", LATER, "packed_mib", packed_mib),
    F("memory", LATER, "grads_mib", grads_mib),
    F("memory", LATER, "workspace_mib", workspace_mib),
    F("memory", LATER, "reserve_mib", reserve_mib),
    F("memory", LATER, "peak_mib", peak_mib),
    F("memory", LATER_COUNT, "turns", turns),
    EQUAL(dx_layer1),
    EQUAL(bptt_steps),
    EQUAL(dead_reverse_top),
    EQUAL(padding_frames),
    EQUAL(distinct_tokens),
    EQUAL(embedding_update),
    EQUAL(logits),
    EQUAL(wx_included),
    EQUAL(saved_state),
    EQUAL(optimizer),
    EQUAL(h2d),
    W("", loss_by),
    W("", update_by),
    F("", SEED, "seed", seed),
    F("", COUNT, "kept_state", kept_state),
    F("", COUNT, "kept_block", kept_block),
    F("", NUMBER, "margin", margin),
    F("calibration", NUMBER, "before_gflop_per_s", calibration_before),
    F("calibration", NUMBER, "after_gflop_per_s", calibration_after),
    F("calibration", NUMBER, "drift", drift),
    F("calibration", COUNT, "fit", fit),
    F("calibration", LATER_COUNT, "repeats", repeats),
    F("waiting", LATER_COUNT, "disturbed", disturbed),
    F("waiting", LATER_COUNT, "set_aside", set_aside),
    F("waiting", LATER, "lost_share", lost_share),
    W("", data),
    W("", certificate),
    F("", LATER_WORD, "certificate_level", certificate_level),
    F("", LATER_WORD, "published_because", reason),
    W("", plugin_hash),
    W("", libraries_hash),
    W("", suite_version),
    W("", commit),
    F("", LATER_WORD, "commit_at", commit_time),
    W("", build),
    F("", WORD, "measured_at", time),
    MACHINE(WORD, cpu),
    MACHINE(WORD, isa),
    MACHINE(COUNT, cores),
    MACHINE(COUNT, threads),
    MACHINE(COUNT, l2_kib),
    MACHINE(COUNT, l3_kib),
    MACHINE(NUMBER, memory_gib),
    MACHINE(WORD, governor),
    MACHINE(WORD, kernel),
    MACHINE(WORD, os),
    MACHINE(WORD, hypervisor),
    MACHINE(LATER_WORD, node),
    DEVICE(LATER_WORD, name),
    DEVICE(LATER_WORD, driver),
    DEVICE(LATER_WORD, tensor_by),
    DEVICE(LATER_WORD, nvml_missing),
    DEVICE(LATER_WORD, throttle_before),
    DEVICE(LATER_WORD, throttle_after),
    DEVICE(LATER, copy_gb_per_s),
    DEVICE(LATER, sm_mhz_before),
    DEVICE(LATER, sm_mhz_after),
    DEVICE(LATER, sm_mhz_most),
    DEVICE(LATER, memory_mhz),
    DEVICE(LATER, temperature_c_before),
    DEVICE(LATER, temperature_c_after),
    DEVICE(LATER, power_w),
    DEVICE(LATER, power_limit_w),
};
#define FIELDS (sizeof fields / sizeof *fields)

int assay_samples_are_disturbed(int32_t disturbed, int32_t n)
{
    return disturbed > ASSAY_DISTURBED_SHARE * n;
}

int assay_record_is_disturbed(const assay_record *r)
{
    return assay_samples_are_disturbed(r->disturbed, r->n);
}

/* ---- lists ---- */

static int room_for_one(void **at, int32_t count, int32_t *room, size_t size)
{
    if (count < *room) return 1;
    int32_t wanted = *room ? 2 * *room : 16;
    void *more = realloc(*at, (size_t)wanted * size);
    if (!more) return 0;
    *at = more;
    *room = wanted;
    return 1;
}

assay_status assay_records_add(assay_records *list, const assay_record *r)
{
    void *at = list->at;
    int fits = room_for_one(&at, list->count, &list->room, sizeof *list->at);
    list->at = at;
    if (!fits) return ASSAY_NO_MEMORY;
    list->at[list->count++] = *r;
    return ASSAY_OK;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

assay_status assay_records_leave_out(assay_records *list, const char *workload, const char *implementation,
                                     const char *phase, const char *why)
{
    void *left = list->left;
    int fits = room_for_one(&left, list->left_count, &list->left_room, sizeof *list->left);
    list->left = left;
    if (!fits) return ASSAY_NO_MEMORY;
    assay_left_out *l = &list->left[list->left_count++];
    copy(l->workload, sizeof l->workload, workload);
    copy(l->implementation, sizeof l->implementation, implementation);
    copy(l->phase, sizeof l->phase, phase);
    copy(l->why, sizeof l->why, why);
    return ASSAY_OK;
}

void assay_records_free(assay_records *list)
{
    for (int32_t k = 0; k < list->count; k++)
        free(list->at[k].samples_ms);
    free(list->at);
    free(list->left);
    memset(list, 0, sizeof *list);
}

const assay_record *assay_records_find(const assay_records *list, const char *workload, const char *implementation,
                                       const char *arithmetic, const char *phase)
{
    for (int32_t k = 0; k < list->count; k++) {
        const assay_record *r = &list->at[k];
        if (!strcmp(r->workload, workload) && !strcmp(r->implementation, implementation) &&
            !strcmp(r->arithmetic, arithmetic) && !strcmp(r->phase, phase))
            return r;
    }
    return NULL;
}

int assay_records_is_headline(const assay_records *list, const assay_record *r)
{
    return !strcmp(r->phase, "step") ||
           (!strcmp(r->phase, "infer") &&
            !assay_records_find(list, r->workload, r->implementation, r->arithmetic, "step"));
}

/* ---- to JSON ---- */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *field_to_json(const field *f, const assay_record *r)
{
    const char *at = (const char *)r + f->offset;
    char seed[24];
    switch (f->kind) {
    case WORD:
    case LATER_WORD:
        return json_string(at);
    case COUNT:
    case LATER_COUNT:
        return json_integer(*(const int32_t *)(const void *)at);
    case NUMBER:
    case TIME:
    case LATER:
        return number(*(const double *)(const void *)at);
    default: /* a string: JSON integers end at 2^63 */
        snprintf(seed, sizeof seed, "0x%016" PRIx64, *(const uint64_t *)(const void *)at);
        return json_string(seed);
    }
}

static json_t *record_to_json(const assay_record *r)
{
    json_t *root = json_object();
    for (size_t k = 0; k < FIELDS; k++) {
        json_t *group = fields[k].group[0] ? json_object_get(root, fields[k].group) : root;
        if (!group) {
            group = json_object();
            json_object_set_new(root, fields[k].group, group);
        }
        json_object_set_new(group, fields[k].name, field_to_json(&fields[k], r));
    }
    json_t *samples = json_array();
    for (int32_t k = 0; k < r->n; k++)
        json_array_append_new(samples, number(r->samples_ms[k]));
    json_object_set_new(json_object_get(root, "time"), "samples_ms", samples);
    return root;
}

char *assay_records_text(const assay_records *list)
{
    json_t *root = json_object(), *records = json_array(), *left = json_array();
    for (int32_t k = 0; k < list->count; k++)
        json_array_append_new(records, record_to_json(&list->at[k]));
    for (int32_t k = 0; k < list->left_count; k++) {
        const assay_left_out *l = &list->left[k];
        json_array_append_new(left, json_pack("{ssssssss}", "workload", l->workload, "implementation",
                                              l->implementation, "phase", l->phase, "why", l->why));
    }
    json_object_set_new(root, "schema", json_string(SCHEMA));
    json_object_set_new(root, "records", records);
    json_object_set_new(root, "left_out", left);
    char *text = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(2));
    json_decref(root);
    return text;
}

/* ---- from JSON ---- */

/* Text goes to terminals: without control characters; UTF-8 is fine. NULL is no text. */
static int is_text(const char *c)
{
    while (c && (unsigned char)*c >= ' ' && *c != 0x7f)
        c++;
    return c && !*c;
}

static int word_of(const json_t *value, char *to, size_t size)
{
    if (!is_text(json_string_value(value)) || json_string_length(value) >= size) return 0;
    memcpy(to, json_string_value(value), json_string_length(value) + 1);
    return 1;
}

static int field_from_json(const field *f, const json_t *value, assay_record *r)
{
    char *at = (char *)r + f->offset;
    char *end = NULL;
    if (!value && f->kind >= LATER) {
        if (f->kind == LATER) *(double *)(void *)at = NAN;
        return 1;
    }
    switch (f->kind) {
    case WORD:
    case LATER_WORD:
        return word_of(value, at, f->size);
    case COUNT:
    case LATER_COUNT:
        if (!json_is_integer(value)) return 0;
        *(int32_t *)(void *)at = (int32_t)json_integer_value(value);
        return 1;
    case TIME:
        if (json_number_value(value) < 0) return 0; /* fallthrough */
    case NUMBER:
    case LATER:
        if (!json_is_number(value) && !json_is_null(value)) return 0;
        *(double *)(void *)at = json_is_null(value) ? NAN : json_number_value(value);
        return 1;
    default:
        if (!json_is_string(value)) return 0;
        *(uint64_t *)(void *)at = strtoull(json_string_value(value), &end, 16);
        return end != json_string_value(value) && !*end;
    }
}

/* NULL, or the name of the field that is missing or of another type. */
static const char *record_from_json(const json_t *root, assay_record *r)
{
    memset(r, 0, sizeof *r);
    for (size_t k = 0; k < FIELDS; k++) {
        const json_t *group = fields[k].group[0] ? json_object_get(root, fields[k].group) : root;
        if (!field_from_json(&fields[k], json_object_get(group, fields[k].name), r)) return fields[k].name;
    }
    const json_t *samples = json_object_get(json_object_get(root, "time"), "samples_ms");
    if (!json_is_array(samples) || json_array_size(samples) != (size_t)r->n) return "samples_ms";
    r->samples_ms = malloc(((size_t)r->n + 1) * sizeof *r->samples_ms);
    for (int32_t k = 0; r->samples_ms && k < r->n; k++) {
        const json_t *one = json_array_get(samples, (size_t)k);
        r->samples_ms[k] = json_number_value(one);
        if (json_is_number(one) && r->samples_ms[k] >= 0) continue;
        free(r->samples_ms);
        return "samples_ms";
    }
    return r->samples_ms ? NULL : "samples_ms";
}

static assay_status append(json_t *root, const char *where, assay_records *list, char *why, size_t why_size)
{
    json_t *records = json_object_get(root, "records"), *left = json_object_get(root, "left_out"), *one;
    const char *schema = json_string_value(json_object_get(root, "schema"));
    size_t k;
    if (!schema || strcmp(schema, SCHEMA) || !json_is_array(records) || !json_is_array(left)) {
        snprintf(why, why_size, "%s: is no list of records: expected \"schema\": \"" SCHEMA "\"", where);
        return ASSAY_BAD_ARGUMENT;
    }
    json_array_foreach(records, k, one)
    {
        assay_record r;
        const char *bad = record_from_json(one, &r);
        if (bad) {
            snprintf(why, why_size, "%s: record %zu: \"%s\" is missing or not what was expected", where, k, bad);
            return ASSAY_BAD_ARGUMENT;
        }
        if (assay_records_add(list, &r) != ASSAY_OK) {
            free(r.samples_ms);
            snprintf(why, why_size, "%s: no memory", where);
            return ASSAY_NO_MEMORY;
        }
    }
    json_array_foreach(left, k, one)
    {
        const char *names[] = {"workload", "implementation", "phase", "why"}, *word[4];
        for (int f = 0; f < 4; f++) { /* earlier suites had no phase there */
            const json_t *value = json_object_get(one, names[f]);
            word[f] = json_string_value(value);
            if (!value || is_text(word[f])) continue;
            snprintf(why, why_size, "%s: left_out %zu: \"%s\" is not what was expected", where, k, names[f]);
            return ASSAY_BAD_ARGUMENT;
        }
        if (assay_records_leave_out(list, word[0], word[1], word[2], word[3]) != ASSAY_OK) return ASSAY_NO_MEMORY;
    }
    return ASSAY_OK;
}

assay_status assay_records_parse(const char *text, const char *where, assay_records *list, char *why, size_t why_size)
{
    json_error_t e;
    int32_t count = list->count, left_count = list->left_count;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &e);
    if (!root) {
        snprintf(why, why_size, "%s:%d:%d: %s", where, e.line, e.column, e.text);
        assay_file_clean_message(why);
        return ASSAY_BAD_ARGUMENT;
    }
    assay_status st = append(root, where, list, why, why_size);
    while (st != ASSAY_OK && list->count > count)
        free(list->at[--list->count].samples_ms);
    if (st != ASSAY_OK) list->left_count = left_count;
    if (st == ASSAY_BAD_ARGUMENT) assay_file_clean_message(why);
    json_decref(root);
    return st;
}

/* ---- files ---- */

assay_status assay_records_write(const assay_records *list, const char *path, char *why, size_t why_size)
{
    char *text = assay_records_text(list);
    assay_status st = ASSAY_NO_MEMORY;
    if (text)
        st = assay_file_write(path, text, strlen(text), why, why_size);
    else
        snprintf(why, why_size, "%s: no memory for %d records", path, (int)list->count);
    free(text);
    return st;
}

assay_status assay_records_read(const char *path, assay_records *list, char *why, size_t why_size)
{
    char *text = NULL;
    size_t size = 0;
    assay_status st = assay_file_read(path, FILE_LIMIT, &text, &size, why, why_size);
    if (st == ASSAY_OK) st = assay_records_parse(text, path, list, why, why_size);
    free(text);
    return st;
}
