/* learning_vowels.c: reads series of several dimensions and different lengths, and deals them into batches.
 * SPDX-License-Identifier: MIT
 *
 * A line is one utterance: its dimensions between colons, each a list of numbers between commas, and the speaker, 1
 * to 9. */
#include "conformance/learning_vowels.h"

#include "conformance/file.h"
#include "reference/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (4u << 20)

typedef struct utterance {
    double x[ASSAY_VOWELS_INPUTS][ASSAY_VOWELS_FRAMES];
    int frames, speaker;
} utterance;

typedef struct corpus {
    utterance *at;
    int count, room;
} corpus;

/* One dimension: numbers up to a colon. Their number, or -1. */
static int read_numbers(char **at, double *to)
{
    int count = 0;
    for (;;) {
        char *end;
        const double x = strtod(*at, &end);
        if (end == *at || count == ASSAY_VOWELS_FRAMES) return -1;
        to[count++] = x;
        *at = end + 1;
        if (*end == ':') return count;
        if (*end != ',') return -1;
    }
}

/* NULL, or what was expected. */
static const char *read_utterance(char *line, utterance *u)
{
    for (int i = 0; i < ASSAY_VOWELS_INPUTS; i++) {
        const int count = read_numbers(&line, u->x[i]);
        if (count < 1) return "12 lists of 1 to 29 numbers, each ended by a colon";
        if (i && count != u->frames) return "lists of one length";
        u->frames = count;
    }
    char *end;
    const long speaker = strtol(line, &end, 10);
    if (end == line || (*end && *end != '\r') || speaker < 1 || speaker > ASSAY_VOWELS_SPEAKERS)
        return "a speaker, 1 to 9";
    u->speaker = (int)speaker - 1;
    return NULL;
}

static assay_status add(corpus *c, const utterance *u)
{
    if (c->count == c->room) {
        const int room = 2 * c->room + 64;
        utterance *more = realloc(c->at, (size_t)room * sizeof *more);
        if (!more) return ASSAY_NO_MEMORY;
        c->at = more;
        c->room = room;
    }
    c->at[c->count++] = *u;
    return ASSAY_OK;
}

static assay_status read_corpus(const char *folder, const char *name, corpus *c, char *why, size_t why_size)
{
    char path[4096], *text = NULL, *rest = NULL;
    size_t size;
    int number = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assay_status st = assay_file_read(path, FILE_LIMIT, &text, &size, why, why_size);
    for (char *line = st == ASSAY_OK ? strtok_r(text, "\n", &rest) : NULL; line && st == ASSAY_OK;
         line = strtok_r(NULL, "\n", &rest)) {
        utterance u;
        number++;
        if (line[0] == '#' || line[0] == '@') continue;
        const char *expected = read_utterance(line, &u);
        if (expected) {
            snprintf(why, why_size, "%.160s: line %d: expected %s", path, number, expected);
            st = ASSAY_BAD_ARGUMENT;
        } else {
            st = add(c, &u);
        }
    }
    free(text);
    if (st == ASSAY_OK && c->count == 0) {
        snprintf(why, why_size, "%.160s: expected utterances, found none", path);
        st = ASSAY_BAD_ARGUMENT;
    }
    return st;
}

static void put(const assay_lesson *l, assay_values *v, int n, const utterance *u)
{
    for (int t = 0; t < u->frames; t++)
        for (int i = 0; i < l->p.i; i++)
            ((double *)v->at[ASSAY_X])[assay_row_of(&l->p, t, n) * l->p.i + i] = u->x[i][t];
    ((int32_t *)v->at[ASSAY_LENS])[n] = u->frames;
    ((int32_t *)v->at[ASSAY_LABELS])[n] = u->speaker;
}

/* Deals batches; where the utterances end they begin anew. */
static void deal(const assay_lesson *l, const corpus *c, assay_values *batch, int batches)
{
    for (int k = 0; k < batches * l->p.n; k++)
        put(l, &batch[k / l->p.n], k % l->p.n, &c->at[k % c->count]);
}

/* The files are sorted by speaker. */
static void shuffle(corpus *c, uint64_t seed)
{
    for (int k = c->count - 1; k > 0; k--) {
        const int j = (int)(assay_random_bits(seed, assay_stream_id("vowels", 0), (uint64_t)k) % (uint64_t)(k + 1));
        const utterance kept = c->at[k];
        c->at[k] = c->at[j];
        c->at[j] = kept;
    }
}

assay_status assay_vowels_fill(const assay_task *task, const char *folder, uint64_t seed, assay_lesson *l, char *why,
                               size_t why_size)
{
    corpus train = {0}, test = {0};
    (void)task;
    assay_status st = read_corpus(folder, "train.ts", &train, why, why_size);
    if (st == ASSAY_OK) st = read_corpus(folder, "test.ts", &test, why, why_size);
    if (st == ASSAY_OK) {
        shuffle(&train, seed);
        deal(l, &train, l->batch, l->batches);
        deal(l, &test, l->test, l->tests);
        if (test.count < l->test_rows) l->test_rows = test.count;
    }
    free(train.at);
    free(test.at);
    return st;
}
