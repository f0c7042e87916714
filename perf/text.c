/* text.c: words of a text counted in a hash table, ranked, and the text rewritten as ranks.
 * SPDX-License-Identifier: MIT */
#include "perf/text.h"

#include "conformance/file.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT ((size_t)1 << 30)

typedef struct word {
    const char *at; /* inside the text; NULL: an empty place in the table */
    size_t length;
    int64_t count, first; /* occurrences; order of first appearance */
    int32_t id;
} word;

typedef struct lexicon {
    word *place;
    size_t size, used; /* size is a power of two */
} lexicon;

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/* The place of this word, or the empty place where it belongs. FNV-1a. */
static word *find(const lexicon *l, const char *at, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t k = 0; k < length; k++)
        hash = (hash ^ (unsigned char)at[k]) * 1099511628211u;
    for (size_t k = hash & (l->size - 1);; k = (k + 1) & (l->size - 1)) {
        word *w = &l->place[k];
        if (!w->at || (w->length == length && !memcmp(w->at, at, length))) return w;
    }
}

static int grow(lexicon *l)
{
    lexicon bigger = {.size = l->size ? 2 * l->size : 1 << 12, .used = l->used};
    bigger.place = calloc(bigger.size, sizeof *bigger.place);
    if (!bigger.place) return 0;
    for (size_t k = 0; k < l->size; k++)
        if (l->place[k].at) *find(&bigger, l->place[k].at, l->place[k].length) = l->place[k];
    free(l->place);
    *l = bigger;
    return 1;
}

/* The next word or line end from *at on; 0 at the end of the text. A line end has length 0. */
static int next_token(const char **at, const char *end, const char **token, size_t *length)
{
    while (*at < end && is_space(**at) && **at != '\n')
        ++*at;
    if (*at == end) return 0;
    *token = *at;
    if (**at == '\n') {
        ++*at;
        *length = 0;
        return 1;
    }
    while (*at < end && !is_space(**at))
        ++*at;
    *length = (size_t)(*at - *token);
    return 1;
}

static int count_words(const char *bytes, size_t size, lexicon *l, int64_t *tokens)
{
    const char *at = bytes, *token;
    size_t length;
    while (next_token(&at, bytes + size, &token, &length)) {
        ++*tokens;
        if (length == 0) continue;
        if (2 * (l->used + 1) > l->size && !grow(l)) return 0;
        word *w = find(l, token, length);
        if (!w->at) *w = (word){.at = token, .length = length, .first = (int64_t)l->used++, .id = ASSAY_TEXT_UNKNOWN};
        w->count++;
    }
    return 1;
}

static int by_frequency(const void *a, const void *b)
{
    const word *x = *(word *const *)a, *y = *(word *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return x->first < y->first ? -1 : 1;
}

static int rank_words(const lexicon *l)
{
    word **order = malloc((l->used + 1) * sizeof *order);
    size_t count = 0;
    if (!order) return 0;
    for (size_t k = 0; k < l->size; k++)
        if (l->place[k].at) order[count++] = &l->place[k];
    qsort(order, count, sizeof *order, by_frequency);
    for (size_t k = 0; k < count && k < ASSAY_TEXT_WORDS; k++)
        order[k]->id = (int32_t)k;
    free(order);
    return 1;
}

assay_status assay_text_parse(const char *bytes, size_t size, assay_text *out)
{
    lexicon l = {0};
    int64_t tokens = 0, k = 0;
    *out = (assay_text){0};
    if (count_words(bytes, size, &l, &tokens) && rank_words(&l))
        out->tokens = malloc(((size_t)tokens + 1) * sizeof *out->tokens);
    if (!out->tokens) {
        free(l.place);
        return ASSAY_NO_MEMORY;
    }
    const char *at = bytes, *token;
    size_t length;
    while (next_token(&at, bytes + size, &token, &length))
        out->tokens[k++] = length ? find(&l, token, length)->id : ASSAY_TEXT_END;
    out->count = tokens;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)bytes, size);
    sodium_bin2hex(out->hash, sizeof out->hash, digest, sizeof digest);
    free(l.place);
    return ASSAY_OK;
}

assay_status assay_text_read(const char *path, assay_text *out, char *why, size_t why_size)
{
    char *bytes = NULL;
    size_t size = 0;
    *out = (assay_text){0};
    assay_status st = assay_file_read(path, TEXT_LIMIT, &bytes, &size, why, why_size);
    if (st == ASSAY_OK && (st = assay_text_parse(bytes, size, out)) != ASSAY_OK)
        snprintf(why, why_size, "%s: no memory for the tokens of %zu bytes", path, size);
    free(bytes);
    return st;
}

void assay_text_free(assay_text *t)
{
    free(t->tokens);
    *t = (assay_text){0};
}
