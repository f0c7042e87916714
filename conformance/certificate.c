/* certificate.c: counts what was proved, and keeps it as JSON that names exactly which bytes it speaks of.
 * SPDX-License-Identifier: MIT */
#include "conformance/certificate.h"

#include "conformance/file.h"
#include "conformance/hash.h"
#include "reference/tensors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

void assay_certificate_begin(const assay_session_info *about, const char *device, int arithmetic, assay_level level,
                             uint64_t seed, assay_certificate *out)
{
    memset(out, 0, sizeof *out);
    copy(out->impl, sizeof out->impl, about->name);
    copy(out->version, sizeof out->version, about->version);
    copy(out->plugin_hash, sizeof out->plugin_hash, about->plugin_hash);
    copy(out->mapped_hash, sizeof out->mapped_hash, about->mapped_hash);
    copy(out->suite, sizeof out->suite, ASSAY_SUITE_VERSION);
    copy(out->reference, sizeof out->reference, ASSAY_REFERENCE_HASH);
    copy(out->device, sizeof out->device, device);
    out->arithmetic = arithmetic;
    out->level = level;
    out->seed = seed;
}

static int find_key(const assay_certificate *c, const char *key)
{
    for (int k = 0; k < c->count; k++)
        if (!strcmp(c->covers[k].key, key)) return k;
    return -1;
}

void assay_certificate_note(assay_certificate *c, const assay_result *r)
{
    char key[32];
    if (r->arithmetic != c->arithmetic || r->verdict == ASSAY_VERDICT_UNSUPPORTED) return;
    assay_dialect_key(r->problem, key, sizeof key);
    int k = find_key(c, key);
    if (k < 0) {
        if (c->count == ASSAY_CERTIFICATE_KEYS) return;
        k = c->count++;
        copy(c->covers[k].key, sizeof c->covers[k].key, key);
    }
    if (r->verdict == ASSAY_VERDICT_PASS) {
        c->covers[k].passed++;
        if (r->margin > c->covers[k].worst_margin) c->covers[k].worst_margin = r->margin;
    } else {
        c->covers[k].not_passed++;
    }
}

static int proved(const assay_certificate *c, const assay_problem *p, char *why, size_t why_size)
{
    char key[32];
    assay_dialect_key(p, key, sizeof key);
    int k = find_key(c, key);
    if (k < 0 || c->covers[k].passed == 0) {
        snprintf(why, why_size, "%s: nothing proved for %s", c->impl, key);
        return 0;
    }
    if (c->covers[k].not_passed > 0) {
        snprintf(why, why_size, "%s: %d of %d checks of %s did not pass", c->impl, c->covers[k].not_passed,
                 c->covers[k].passed + c->covers[k].not_passed, key);
        return 0;
    }
    return 1;
}

int assay_certificate_covers(const assay_certificate *c, const assay_problem *p, char *why, size_t why_size)
{
    assay_problem part = *p;
    if (!proved(c, p, why, why_size)) return 0;
    if (p->op != ASSAY_OP_NETWORK) return 1;
    part.op = ASSAY_OP_RNN;
    if (!proved(c, &part, why, why_size)) return 0;
    part.op = p->loss == ASSAY_LOSS_CTC ? ASSAY_OP_CTC : ASSAY_OP_XENT;
    return proved(c, &part, why, why_size);
}

/* ---- on disk ---- */

static void path_of(const char *folder, const char *impl, int arithmetic, const char *mapped, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.%s.%.16s.json", folder, impl, assay_format_name(arithmetic), mapped);
}

static json_t *to_json(const assay_certificate *c)
{
    char seed[24];
    json_t *covers = json_array();
    for (int k = 0; k < c->count; k++)
        json_array_append_new(covers, json_pack("{s:s, s:i, s:i, s:f}", "key", c->covers[k].key, "passed",
                                                c->covers[k].passed, "not_passed", c->covers[k].not_passed,
                                                "worst_margin", c->covers[k].worst_margin));
    snprintf(seed, sizeof seed, "0x%016llx", (unsigned long long)c->seed);
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "assay_certificate", 1, "impl",
                     c->impl, "version", c->version, "plugin_hash", c->plugin_hash, "mapped_hash", c->mapped_hash,
                     "suite", c->suite, "reference", c->reference, "device", c->device, "arithmetic",
                     assay_format_name(c->arithmetic), "level", c->level, "seed", seed, "covers", covers);
}

assay_status assay_certificate_write(const char *folder, assay_certificate *c, char *why, size_t why_size)
{
    char path[4096];
    json_t *root = to_json(c);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    if (!text) {
        snprintf(why, why_size, "certificate of %s: could not be put into words (a text that is not UTF-8?)", c->impl);
        return ASSAY_FAILED;
    }
    path_of(folder, c->impl, c->arithmetic, c->mapped_hash, path, sizeof path);
    assay_hash_bytes(text, strlen(text), c->hash);
    assay_status st = assay_file_write(path, text, strlen(text), why, why_size);
    free(text);
    return st;
}

static int read_covers(const json_t *list, assay_certificate *c)
{
    size_t k;
    const json_t *item;
    json_array_foreach(list, k, item)
    {
        const char *key;
        if (k >= ASSAY_CERTIFICATE_KEYS) return 0;
        if (json_unpack((json_t *)item, "{s:s, s:i, s:i, s:F}", "key", &key, "passed", &c->covers[k].passed,
                        "not_passed", &c->covers[k].not_passed, "worst_margin", &c->covers[k].worst_margin) != 0)
            return 0;
        copy(c->covers[k].key, sizeof c->covers[k].key, key);
        c->count = (int)k + 1;
    }
    return 1;
}

/* 1 if the text speaks of exactly what `want` names; fills out. */
static int matches(const json_t *root, const assay_certificate *want, assay_certificate *out)
{
    const char *plugin, *mapped, *suite, *reference, *device, *arithmetic, *seed;
    const json_t *covers;
    int format, level;
    if (json_unpack((json_t *)root, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "assay_certificate", &format,
                    "plugin_hash", &plugin, "mapped_hash", &mapped, "suite", &suite, "reference", &reference, "device",
                    &device, "arithmetic", &arithmetic, "level", &level, "seed", &seed, "covers", &covers) != 0)
        return 0;
    if (format != 1 || strcmp(plugin, want->plugin_hash) || strcmp(mapped, want->mapped_hash) ||
        strcmp(suite, want->suite) || strcmp(reference, want->reference) || strcmp(device, want->device) ||
        strcmp(arithmetic, assay_format_name(want->arithmetic)) || level < want->level)
        return 0;
    *out = *want;
    out->level = level;
    out->seed = strtoull(seed, NULL, 16);
    return read_covers(covers, out);
}

int assay_certificate_read(const char *folder, const assay_session_info *about, const char *device, int arithmetic,
                           assay_level level, assay_certificate *out)
{
    char path[4096], why[256];
    char *text = NULL;
    size_t size = 0;
    assay_certificate want;
    json_error_t error;
    assay_certificate_begin(about, device, arithmetic, level, 0, &want);
    path_of(folder, about->name, arithmetic, about->mapped_hash, path, sizeof path);
    if (assay_file_read(path, 1u << 20, &text, &size, why, sizeof why) != ASSAY_OK) return 0;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    int ok = root && matches(root, &want, out);
    if (ok) assay_hash_bytes(text, size, out->hash);
    json_decref(root);
    free(text);
    return ok;
}
