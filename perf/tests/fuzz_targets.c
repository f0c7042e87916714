/* fuzz_targets.c: the parsers of files and command lines, each on arbitrary bytes (fuzz.h).
 * SPDX-License-Identifier: MIT */
#include "conformance/case_parse.h"
#include "conformance/certificate.h"
#include "conformance/file.h"
#include "conformance/floor_table.h"
#include "conformance/floors.h"
#include "conformance/golden.h"
#include "perf/cli/options.h"
#include "perf/kills.h"
#include "perf/record.h"
#include "perf/tests/fuzz.h"
#include "perf/tests/sample.h"
#include "perf/truth_file.h"
#include "perf/verdicts.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A promise that does not hold is as bad as a crash. */
static void must(int holds, const char *promise)
{
    if (holds) return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

/* Some text, and nothing in it that a terminal would act on. */
static int one_line(const char *why)
{
    for (const char *c = why; *c; c++)
        if (iscntrl((unsigned char)*c)) return 0;
    return why[0] != 0;
}

static void put(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    must(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, "the folder can be written to");
}

static void put_into(const char *folder, const char *name, const uint8_t *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    put(path, bytes, size);
}

static void copy(const char *from, const char *to)
{
    char *bytes = NULL, why[256];
    size_t size = 0;
    must(assay_file_read(from, 1u << 24, &bytes, &size, why, sizeof why) == ASSAY_OK, "what was written can be read");
    put(to, (const uint8_t *)bytes, size);
    free(bytes);
}

/* ---- records ---- */

static void make_records(const char *folder, const char *path)
{
    assay_records list = assay_sample_records();
    char why[256];
    (void)folder;
    must(assay_records_write(&list, path, why, sizeof why) == ASSAY_OK, "records can be written");
    assay_records_free(&list);
}

static void read_records(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_records list = {0}, again = {0};
    char why[256] = "", *text = malloc(size + 1);
    (void)folder;
    must(text != NULL, "memory");
    memcpy(text, bytes, size);
    text[size] = 0;
    if (assay_records_parse(text, "input", &list, why, sizeof why) == ASSAY_OK) {
        char *written = assay_records_text(&list);
        must(written && assay_records_parse(written, "output", &again, why, sizeof why) == ASSAY_OK &&
                 again.count == list.count && again.left_count == list.left_count,
             "records that were read can be written and read again");
        free(written);
    } else {
        must(one_line(why) && !list.count, "a refusal has one line, and adds nothing");
    }
    assay_records_free(&list);
    assay_records_free(&again);
    free(text);
}

/* ---- mutants and proofs, for reports ---- */

static void put_json(const char *path, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(1)) : NULL;
    must(text != NULL, "memory");
    put(path, (const uint8_t *)text, strlen(text));
    free(text);
    json_decref(value);
}

static json_t *json_of(const uint8_t *bytes, size_t size)
{
    return json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
}

/* What was read can be shown: each format takes any of it. */
static void show(void (*const writers[3])(FILE *f, const void *what), const void *what)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    must(f != NULL, "memory");
    for (int k = 0; k < 3; k++)
        writers[k](f, what);
    must(fclose(f) == 0 && size > 0, "what was read has a part in every format");
    free(text);
}

static void make_kills(const char *folder, const char *path)
{
    assay_mutation_result r = {.mutant = assay_mutant_get(0), .held = 1, .weakest = 70, .by_count = 1};
    assay_kills k = {.seed = 7, .complete = 1};
    json_t *head = json_pack("{s:s, s:s}", "version", "0.1", "time", "2026-01-02T03:04:05Z");
    (void)folder;
    r.by[0].check = "forward";
    r.by[0].kills = 1;
    r.by[0].margin = INFINITY;
    must(head && assay_kills_add(&k, &r) && assay_kills_put(&k, head) == 0, "memory");
    put_json(path, head);
    assay_kills_free(&k);
}

static void kills_table(FILE *f, const void *k)
{
    assay_kills_table(f, k);
}

static void kills_markdown(FILE *f, const void *k)
{
    assay_kills_markdown(f, k);
}

static void kills_html(FILE *f, const void *k)
{
    assay_kills_html(f, k);
}

static void read_kills(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_kills k, again;
    char why[256] = "";
    json_t *root = json_of(bytes, size);
    (void)folder;
    if (assay_kills_parse(root, "input", &k, why, sizeof why) == ASSAY_OK) {
        json_t *head = json_pack("{s:s, s:s}", "version", k.version, "time", k.time);
        must(head && assay_kills_put(&k, head) == 0 &&
                 assay_kills_parse(head, "output", &again, why, sizeof why) == ASSAY_OK && again.count == k.count &&
                 (!k.count || !memcmp(again.at, k.at, (size_t)k.count * sizeof *k.at)),
             "mutants that were read can be written and read again");
        show((void (*const[3])(FILE *, const void *)){kills_table, kills_markdown, kills_html}, &k);
        assay_kills_free(&again);
        json_decref(head);
    } else {
        must(one_line(why), "a refusal has one line");
    }
    assay_kills_free(&k);
    json_decref(root);
}

static void make_proofs(const char *folder, const char *path)
{
    static const assay_proof proof = {"rnn", "lstm.b2", "y", "double against quad", 2e-16, 1e-13};
    (void)folder;
    put_json(path, json_pack("{s:s, s:s, s:s, s:b, s:b, s:[o], s:[{s:s, s:s, s:s, s:i, s:s, s:f, s:f, s:b}]}", "schema",
                             ASSAY_TRUTH_SCHEMA, "version", "0.1", "time", "2026-01-02T03:04:05Z", "full", 1,
                             "complete", 1, "proofs", assay_truth_proof_json(&proof), "golden", "file", "a.safetensors",
                             "source", "A framework", "version", "1", "tensors", 2, "worst", "hn", "error", 1e-16,
                             "bound", 1e-13, "holds", 1));
}

static void truths_table(FILE *f, const void *t)
{
    assay_truths_table(f, t);
}

static void truths_markdown(FILE *f, const void *t)
{
    assay_truths_markdown(f, t);
}

static void truths_html(FILE *f, const void *t)
{
    assay_truths_html(f, t);
}

static void read_proofs(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_truths t;
    char why[256] = "";
    json_t *root = json_of(bytes, size);
    (void)folder;
    if (assay_truths_parse(root, "input", &t, why, sizeof why) == ASSAY_OK)
        show((void (*const[3])(FILE *, const void *)){truths_table, truths_markdown, truths_html}, &t);
    else
        must(one_line(why), "a refusal has one line");
    assay_truths_free(&t);
    json_decref(root);
}

static void make_verdicts(const char *folder, const char *path)
{
    static const assay_verdicts_row rows[] = {{"a", "forward", 5, 1, 2, 0, 0.25, "rnn/x y (tensor)", ""},
                                              {"b", "forward", 0, 0, 0, 8, NAN, "", "no such framework"}};
    assay_verdicts v = {.level = "quick", .seed = 7, .complete = 1};
    json_t *head = json_pack("{s:s, s:s}", "version", "0.1", "time", "2026-01-02T03:04:05Z");
    (void)folder;
    must(head && assay_verdicts_add(&v, &rows[0]) && assay_verdicts_add(&v, &rows[1]) &&
             assay_verdicts_put(&v, head) == 0,
         "memory");
    put_json(path, head);
    assay_verdicts_free(&v);
}

static void verdicts_table(FILE *f, const void *v)
{
    assay_verdicts_table(f, v);
}

static void verdicts_markdown(FILE *f, const void *v)
{
    assay_verdicts_markdown(f, v);
}

static void verdicts_html(FILE *f, const void *v)
{
    assay_verdicts_html(f, v);
}

static void read_verdicts(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_verdicts v;
    char why[256] = "";
    json_t *root = json_of(bytes, size);
    (void)folder;
    if (assay_verdicts_parse(root, "input", &v, why, sizeof why) == ASSAY_OK)
        show((void (*const[3])(FILE *, const void *)){verdicts_table, verdicts_markdown, verdicts_html}, &v);
    else
        must(one_line(why), "a refusal has one line");
    assay_verdicts_free(&v);
    json_decref(root);
}

/* ---- certificates ---- */

static const assay_session_info about = {.name = "fuzzed", .plugin_hash = "aa", .mapped_hash = "bb"};

static void certificate_path(const char *folder, char *path, size_t size)
{
    snprintf(path, size, "%s/fuzzed.fp32.t2.bb.json", folder);
}

static void make_certificate(const char *folder, const char *path)
{
    assay_certificate c;
    assay_case each;
    char own[4096], why[256];
    assay_certificate_begin(&about, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, 2, 7, &c);
    for (int k = 0; k < assay_case_count(); k += 8) {
        assay_case_get(k, &each);
        const assay_result r = {.check = assay_check_get(k % assay_check_count())->name,
                                .problem = &each.problem,
                                .ragged = each.ragged,
                                .arithmetic = ASSAY_FP32,
                                .verdict = k % 3 ? ASSAY_VERDICT_PASS : ASSAY_VERDICT_UNSUPPORTED};
        assay_certificate_note(&c, &r);
    }
    certificate_path(folder, own, sizeof own);
    must(assay_certificate_write(folder, &c, why, sizeof why) == ASSAY_OK, "a certificate can be written");
    copy(own, path);
}

static void read_certificate(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_certificate c;
    char path[4096], why[256];
    certificate_path(folder, path, sizeof path);
    put(path, bytes, size);
    if (!assay_certificate_read(folder, &about, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, 2, &c)) return;
    must(c.count >= 0 && c.count <= ASSAY_CERTIFICATE_GROUPS && strlen(c.hash) == 64, "a certificate fits its room");
    for (int k = 0; k < assay_case_count(); k += 16) {
        assay_case each;
        assay_case_get(k, &each);
        const assay_need need = {&each.problem, each.ragged, 2};
        assay_certificate_covers(&c, &need, why, sizeof why);
    }
}

/* ---- floors ---- */

static const assay_arithmetic fp32 = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, 4, 0, 0};

static void make_floors(const char *folder, const char *path)
{
    assay_floor floor[ASSAY_TENSORS] = {{.phi = 1e-7, .phi_row = 2e-7, .phi_element = 3e-7, .scale = 2}};
    assay_case c;
    char own[4096], why[256];
    assay_case_get(0, &c);
    snprintf(own, sizeof own, "%s/case.fp32.u4.json", folder);
    must(assay_floors_write(folder, "case", &c.problem, &fp32, floor, 4, 1.5, why, sizeof why) == ASSAY_OK,
         "floors can be written");
    copy(own, path);
}

static void read_floors(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_case c;
    assay_oracle o;
    memset(&o, 0, sizeof o);
    assay_case_get(0, &c);
    put_into(folder, "case.fp32.u4.json", bytes, size);
    if (!assay_floors_read(folder, "case", &c.problem, &fp32, &o)) return;
    for (int k = 0; k < ASSAY_TENSORS; k++) {
        const assay_floor *f = &o.floor[k];
        must(f->phi >= 0 && f->phi_row >= 0 && f->phi_element >= 0 && isfinite(f->phi), "a floor is no less than 0");
    }
}

static void make_floor_table(const char *folder, const char *path)
{
    assay_floor_table t;
    char own[4096], why[256];
    snprintf(own, sizeof own, "%s/cases.fp32.json", folder);
    assay_floor_table_begin(ASSAY_FP32, 2.5, &t);
    for (int k = 0; k < 3; k++) {
        assay_case c;
        assay_case_get(k, &c);
        assay_noise_row *row = assay_floor_table_row(&t, c.id, 8, 2);
        must(row != NULL, "memory");
        row->tensors[0] = (assay_noise){"y", 1e-7, 2e-7, 1.5};
        row->tensors[1] = (assay_noise){"dx", 3e-7, 4e-7, 1.25};
    }
    must(assay_floor_table_write(&t, folder, why, sizeof why) == ASSAY_OK, "a table can be written");
    assay_floor_table_free(&t);
    copy(own, path);
}

static void read_floor_table(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_floor_table t;
    char why[256] = "";
    put_into(folder, "cases.fp32.json", bytes, size);
    if (assay_floor_table_read(folder, ASSAY_FP32, &t, why, sizeof why) == ASSAY_OK)
        assay_floor_table_free(&t);
    else
        must(one_line(why), "a refusal has one line");
}

/* ---- golden vectors ---- */

static void make_golden(const char *folder, const char *path)
{
    (void)folder;
    copy(ASSAY_GOLDEN "/pytorch.gru.one.safetensors", path);
}

static void read_golden(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_golden g;
    char path[4096], why[256] = "";
    snprintf(path, sizeof path, "%s/golden.safetensors", folder);
    put(path, bytes, size);
    if (assay_golden_read(path, &g, why, sizeof why) == ASSAY_OK)
        assay_golden_free(&g);
    else
        must(one_line(why), "a refusal has one line");
}

/* ---- command lines ---- */

static void make_options(const char *folder, const char *path)
{
    static const char words[] = "assay\0--flag\0--count\0003\0--threads=2\0--seed\0000x5eed\0--real\0001e-3\0"
                                "--text\0some\0--texts=a\0--texts\0b\0--\0one\0two";
    (void)folder;
    put(path, (const uint8_t *)words, sizeof words);
}

/* Words lie between zero bytes. A seed from a file (@FILE) is left out: the file would be whatever the bytes name. */
static void read_options(const char *folder, const uint8_t *bytes, size_t size)
{
    enum { WORDS = 64 };
    static const assay_usage usage = {"fuzzed", "WORD", "reads anything", "assay fuzzed"};
    char *text = calloc(size + 2, 1), *argv[WORDS + 1];
    assay_strings texts = {.count = 0}, positional = {.count = 0};
    const char *one = NULL;
    int flag = 0, count = 3, threads = 2, argc = 0;
    uint64_t seed = 5;
    double real = 1.5;
    const assay_option options[] = {{"flag", NULL, "on", ASSAY_TAKES_NOTHING, &flag},
                                    {"text", "T", "a text", ASSAY_TAKES_TEXT, &one},
                                    {"texts", "T", "texts", ASSAY_TAKES_TEXTS, &texts},
                                    {"count", "N", "a count", ASSAY_TAKES_COUNT, &count},
                                    {"threads", "N", "threads", ASSAY_TAKES_THREADS, &threads},
                                    {"seed", "SEED", "a seed", ASSAY_TAKES_SEED, &seed},
                                    {"real", "X", "a number", ASSAY_TAKES_REAL, &real},
                                    {NULL, NULL, NULL, 0, NULL}};
    (void)folder;
    must(text != NULL, "memory");
    for (size_t k = 0; k < size; k++)
        text[k] = bytes[k] == '@' ? 'A' : (char)bytes[k];
    for (char *at = text; at <= text + size && argc < WORDS; at += strlen(at) + 1)
        argv[argc++] = at;
    argv[argc] = NULL;
    assay_options_read(&usage, options, argc, argv, &positional);
    must(count >= 1 && threads >= 1 && threads <= ASSAY_MOST_THREADS && real > 0 && isfinite(real),
         "numbers stay within what was asked for");
    free(text);
}

/* ---- ids of cases ---- */

static void make_case(const char *folder, const char *path)
{
    static const char id[] = "network/lstm.uni.l1.t4.n3.i3.h4.every.lens4-0-2.k3.v5";
    (void)folder;
    put(path, (const uint8_t *)id, sizeof id - 1);
}

static void read_case(const char *folder, const uint8_t *bytes, size_t size)
{
    assay_case_spec spec, again;
    assay_case c, same;
    char why[256] = "", *text = calloc(size + 1, 1);
    (void)folder;
    must(text != NULL, "memory");
    memcpy(text, bytes, size);
    if (assay_case_parse(text, &spec, &c, why, sizeof why) == ASSAY_OK) {
        if (assay_case_spell(&spec))
            must(assay_case_parse(spec.id, &again, &same, why, sizeof why) == ASSAY_OK &&
                     !memcmp(&same.problem, &c.problem, sizeof c.problem),
                 "a case that was read can be spelt and read again");
    } else {
        must(one_line(why), "a refusal has one line");
    }
    free(text);
}

static const test_target targets[] = {
    {"records", make_records, read_records},
    {"kills", make_kills, read_kills},
    {"proofs", make_proofs, read_proofs},
    {"verdicts", make_verdicts, read_verdicts},
    {"certificate", make_certificate, read_certificate},
    {"floors", make_floors, read_floors},
    {"floor-table", make_floor_table, read_floor_table},
    {"golden", make_golden, read_golden},
    {"options", make_options, read_options},
    {"case", make_case, read_case},
};

int test_target_count(void)
{
    return (int)(sizeof targets / sizeof *targets);
}

const test_target *test_target_get(int index)
{
    return index >= 0 && index < test_target_count() ? &targets[index] : NULL;
}

const test_target *test_target_by_name(const char *name)
{
    for (int k = 0; k < test_target_count(); k++)
        if (!strcmp(targets[k].name, name)) return &targets[k];
    return NULL;
}
