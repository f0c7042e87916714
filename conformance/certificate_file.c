/* certificate_file.c: certificates as JSON that names exactly which bytes it speaks of.
 * SPDX-License-Identifier: MIT */
#include "conformance/certificate.h"

#include "conformance/feature.h"
#include "conformance/file.h"
#include "conformance/hash.h"
#include "reference/tensors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 2

static void path_of(const char *folder, const char *impl, int arithmetic, int threads, const char *mapped, char *path,
                    size_t size)
{
    snprintf(path, size, "%s/%s.%s.t%d.%.16s.json", folder, impl, assay_format_name(arithmetic), threads, mapped);
}

/* ---- into words ---- */

static json_t *features_to_json(uint64_t features)
{
    json_t *list = json_array();
    for (int k = 0; k < ASSAY_FEATURES; k++)
        if (features >> k & 1u) json_array_append_new(list, json_string(assay_feature_text(k)));
    return list;
}

static json_t *group_to_json(const assay_group *g)
{
    json_t *checks = json_object();
    for (int k = 0; k < assay_check_count() && k < ASSAY_CERTIFICATE_CHECKS; k++) {
        const assay_tally *t = &g->by[k];
        if (t->passed + t->unsupported + t->not_passed == 0) continue;
        json_object_set_new(checks, assay_check_get(k)->name,
                            json_pack("{s:i, s:i, s:i}", "passed", t->passed, "unsupported", t->unsupported,
                                      "not_passed", t->not_passed));
    }
    return json_pack("{s:s, s:o, s:f, s:o}", "key", g->key, "features", features_to_json(g->features), "worst_margin",
                     g->worst_margin, "checks", checks);
}

static json_t *to_json(const assay_certificate *c)
{
    char seed[24];
    json_t *covers = json_array();
    for (int k = 0; k < c->count; k++)
        json_array_append_new(covers, group_to_json(&c->groups[k]));
    snprintf(seed, sizeof seed, "0x%016llx", (unsigned long long)c->seed);
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:o}", "assay_certificate", FORMAT,
                     "impl", c->impl, "version", c->version, "plugin_hash", c->plugin_hash, "mapped_hash",
                     c->mapped_hash, "suite", c->suite, "reference", c->reference, "device", c->device, "arithmetic",
                     assay_format_name(c->arithmetic), "level", c->level, "threads", c->threads, "seed", seed, "covers",
                     covers);
}

assay_status assay_certificate_write(const char *folder, assay_certificate *c, char *why, size_t why_size)
{
    char path[4096];
    if (c->changed || c->lost) {
        snprintf(why, why_size, "certificate of %s: %s", c->impl,
                 c->changed ? "its file was replaced while it was checked" : "more kinds of results than it holds");
        return ASSAY_FAILED;
    }
    json_t *root = to_json(c);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    if (!text) {
        snprintf(why, why_size, "certificate of %s: could not be put into words (a text that is not UTF-8?)", c->impl);
        return ASSAY_FAILED;
    }
    path_of(folder, c->impl, c->arithmetic, c->threads, c->mapped_hash, path, sizeof path);
    assay_hash_bytes(text, strlen(text), c->hash);
    assay_status st = assay_file_write(path, text, strlen(text), why, why_size);
    free(text);
    return st;
}

/* ---- and back ---- */

static int read_features(const json_t *list, uint64_t *out)
{
    size_t k;
    const json_t *item;
    *out = 0;
    json_array_foreach(list, k, item)
    {
        int feature = json_is_string(item) ? assay_feature_by_text(json_string_value(item)) : -1;
        if (feature < 0) return 0;
        *out |= UINT64_C(1) << feature;
    }
    return json_is_array(list);
}

/* A check that this suite doesn't know makes it another suite's certificate. */
static int read_checks(const json_t *checks, assay_group *g)
{
    size_t known = 0;
    for (int k = 0; k < assay_check_count() && k < ASSAY_CERTIFICATE_CHECKS; k++) {
        assay_tally *t = &g->by[k];
        json_t *item = json_object_get(checks, assay_check_get(k)->name);
        if (!item) continue;
        if (json_unpack(item, "{s:i, s:i, s:i}", "passed", &t->passed, "unsupported", &t->unsupported, "not_passed",
                        &t->not_passed) != 0 ||
            t->passed < 0 || t->unsupported < 0 || t->not_passed < 0)
            return 0;
        known++;
    }
    return json_is_object(checks) && known == json_object_size(checks);
}

static int read_covers(const json_t *list, assay_certificate *c)
{
    size_t k;
    const json_t *item;
    json_array_foreach(list, k, item)
    {
        const char *key;
        const json_t *features, *checks;
        assay_group *g = &c->groups[k];
        if (k >= ASSAY_CERTIFICATE_GROUPS) return 0;
        if (json_unpack((json_t *)item, "{s:s, s:o, s:F, s:o}", "key", &key, "features", &features, "worst_margin",
                        &g->worst_margin, "checks", &checks) != 0 ||
            !read_features(features, &g->features) || !read_checks(checks, g))
            return 0;
        snprintf(g->key, sizeof g->key, "%s", key);
        c->count = (int)k + 1;
    }
    return json_is_array(list);
}

/* 1 if the text speaks of exactly what `want` names; fills out. */
static int matches(const json_t *root, const assay_certificate *want, assay_certificate *out)
{
    const char *plugin, *mapped, *suite, *reference, *device, *arithmetic, *seed;
    const json_t *covers;
    int format, level, threads;
    if (json_unpack((json_t *)root, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:o}", "assay_certificate",
                    &format, "plugin_hash", &plugin, "mapped_hash", &mapped, "suite", &suite, "reference", &reference,
                    "device", &device, "arithmetic", &arithmetic, "level", &level, "threads", &threads, "seed", &seed,
                    "covers", &covers) != 0)
        return 0;
    if (format != FORMAT || strcmp(plugin, want->plugin_hash) || strcmp(mapped, want->mapped_hash) ||
        strcmp(suite, want->suite) || strcmp(reference, want->reference) || strcmp(device, want->device) ||
        strcmp(arithmetic, assay_format_name(want->arithmetic)) || level < want->level || threads != want->threads)
        return 0;
    *out = *want;
    out->level = level;
    out->seed = strtoull(seed, NULL, 16);
    return read_covers(covers, out);
}

int assay_certificate_read(const char *folder, const assay_session_info *about, const char *device, int arithmetic,
                           assay_level level, int threads, assay_certificate *out)
{
    char path[4096], why[256];
    char *text = NULL;
    size_t size = 0;
    assay_certificate want;
    json_error_t error;
    assay_certificate_begin(about, device, arithmetic, level, threads, 0, &want);
    path_of(folder, about->name, arithmetic, threads, about->mapped_hash, path, sizeof path);
    if (assay_file_read(path, 1u << 20, &text, &size, why, sizeof why) != ASSAY_OK) return 0;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    int ok = root && matches(root, &want, out);
    if (ok) assay_hash_bytes(text, size, out->hash);
    json_decref(root);
    free(text);
    return ok;
}
