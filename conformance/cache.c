/* cache.c: truths and floors in files named by a hash of all that they depend on.
 * SPDX-License-Identifier: MIT */
#include "conformance/cache.h"

#include "conformance/file.h"
#include "conformance/floor_runs.h"
#include "reference/tensors.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "assay\0c\4";
static const size_t largest = 32u << 20;

/* Head of a file; after it, for each tensor of the list with a truth, its doubles, and the seal. */
typedef struct header {
    char magic[8];
    int32_t parts, method, runs, tensors;
    assay_floor floor[ASSAY_TENSORS];
} header;

static int name_of(const assay_question *q, int parts, char *path, size_t size)
{
    crypto_hash_sha256_state h;
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof digest + 1];
    assay_tensor list[ASSAY_TENSORS];
    if (!q->cache || sodium_init() < 0) return 0;
    const uint64_t words[] = {(uint64_t)q->step, q->wanted,        q->seed,
                              (uint64_t)parts,   ASSAY_FLOOR_RUNS, (uint64_t)assay_floor_more(0)};
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const unsigned char *)ASSAY_ORACLE_HASH, strlen(ASSAY_ORACLE_HASH));
    crypto_hash_sha256_update(&h, (const unsigned char *)q->p, sizeof *q->p);
    crypto_hash_sha256_update(&h, (const unsigned char *)q->declared, sizeof *q->declared);
    crypto_hash_sha256_update(&h, (const unsigned char *)words, sizeof words);
    int count = assay_tensors_of(q->p, list);
    for (int k = 0; k < count; k++) {
        size_t bytes = (size_t)list[k].count * (list[k].integer ? sizeof(int32_t) : sizeof(double));
        const unsigned char *v = q->given->at[list[k].id];
        if (!v || !(ASSAY_ROLES_GIVEN >> list[k].role & 1u)) continue;
        crypto_hash_sha256_update(&h, (const unsigned char *)&list[k].id, sizeof list[k].id);
        crypto_hash_sha256_update(&h, v, bytes);
    }
    crypto_hash_sha256_final(&h, digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    /* Cut off, it could be another question's. */
    return snprintf(path, size, "%s/%.40s.truth", q->cache, hex) < (int)size;
}

/* Of the name and of all before it: a file that a full disk or a failing one has changed is not believed. */
static void seal_of(const char *path, const char *data, size_t bytes, unsigned char seal[crypto_hash_sha256_BYTES])
{
    crypto_hash_sha256_state h;
    const char *name = strrchr(path, '/') + 1;
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const unsigned char *)name, strlen(name));
    crypto_hash_sha256_update(&h, (const unsigned char *)data, bytes);
    crypto_hash_sha256_final(&h, seal);
}

static int is_kept(const assay_question *q, int parts, const assay_tensor *x)
{
    return (parts & 1) && (q->wanted >> x->role & 1u);
}

static size_t bytes_of(const assay_question *q, int parts)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(q->p, list);
    size_t bytes = sizeof(header) + crypto_hash_sha256_BYTES;
    for (int k = 0; k < count; k++)
        if (is_kept(q, parts, &list[k])) bytes += (size_t)list[k].count * sizeof(double);
    return bytes;
}

int assay_cache_read(const assay_question *q, int parts, assay_oracle *o)
{
    char path[4096], why[256];
    char *data = NULL;
    size_t size = 0;
    header h;
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(q->p, list);
    if (!name_of(q, parts, path, sizeof path) || bytes_of(q, parts) > largest) return 0;
    if (assay_file_read(path, largest, &data, &size, why, sizeof why) != ASSAY_OK) return 0;
    int ok = size == bytes_of(q, parts);
    if (ok) {
        unsigned char seal[crypto_hash_sha256_BYTES];
        seal_of(path, data, size - sizeof seal, seal);
        memcpy(&h, data, sizeof h);
        ok = !memcmp(data + size - sizeof seal, seal, sizeof seal) && !memcmp(h.magic, magic, sizeof magic) &&
             h.parts == parts && h.tensors == count;
    }
    if (ok) ok = assay_values_make(q->p, parts & 1 ? q->wanted : 0, &o->truth) == ASSAY_OK;
    if (ok) {
        const char *from = data + sizeof h;
        memcpy(o->floor, h.floor, sizeof o->floor);
        o->method = h.method;
        o->runs = h.runs;
        o->from_cache = 1;
        for (int k = 0; k < count; k++) {
            size_t bytes = (size_t)list[k].count * sizeof(double);
            if (!is_kept(q, parts, &list[k])) continue;
            memcpy(o->truth.at[list[k].id], from, bytes);
            from += bytes;
        }
    }
    free(data);
    return ok;
}

void assay_cache_write(const assay_question *q, int parts, const assay_oracle *o)
{
    char path[4096], why[256];
    header h;
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(q->p, list);
    size_t bytes = bytes_of(q, parts);
    if (bytes > largest || !name_of(q, parts, path, sizeof path)) return;
    char *data = malloc(bytes), *to = data;
    if (!data) return;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.parts = parts;
    h.method = o->method;
    h.runs = o->runs;
    h.tensors = count;
    memcpy(h.floor, o->floor, sizeof h.floor);
    memcpy(to, &h, sizeof h);
    to += sizeof h;
    for (int k = 0; k < count; k++) {
        size_t n = (size_t)list[k].count * sizeof(double);
        if (!is_kept(q, parts, &list[k])) continue;
        memcpy(to, o->truth.at[list[k].id], n);
        to += n;
    }
    seal_of(path, data, (size_t)(to - data), (unsigned char *)to);
    (void)assay_file_write(path, data, bytes, why, sizeof why); /* only saves time: cache.h */
    free(data);
}
