/* pairs_make.c: writes the rows of pairs.inc: cases that together hold every possible pair of levels. Run by the build.
 * SPDX-License-Identifier: MIT
 *
 * Greedy, as in Cohen, Dalal, Fredman, Patton, The AETG system, IEEE TSE 23 (1997) 437: a pair that is still open, then
 * factor after factor in a random order the level that brings most open pairs and leaves a legal problem; the best of
 * some tries becomes a row. Integers only and a generator of its own: the same rows on every machine. */
#include "conformance/pairs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 24

/* Rows stay small unless their pair needs more. */
static const double caps[] = {2e5, 1e6, ASSAY_PAIRS_WORK};
#define CAPS ((int)(sizeof caps / sizeof *caps))

/* Numerical Recipes' constants; the high bits are good enough to break ties. */
static int below(uint32_t *state, int count)
{
    *state = *state * 1664525u + 1013904223u;
    return (int)((*state >> 8) % (uint32_t)count);
}

static void mix(uint32_t *state, int *order, int count)
{
    for (int k = count - 1; k > 0; k--) {
        const int other = below(state, k + 1), kept = order[k];
        order[k] = order[other];
        order[other] = kept;
    }
}

/* The level of factor f that brings most open pairs with those chosen already; of equal ones any. */
static void choose(assay_pairs *p, int level[ASSAY_FACTORS], int f, int with_nothing, double work, uint32_t *state)
{
    int best = ASSAY_LEVEL_NONE, most = -1, equal = 0;
    for (int a = 0; a < assay_pair_level_count(f); a++) {
        assay_case_row row;
        level[f] = a;
        if (assay_pair_is_nothing(f, a) && !with_nothing) continue;
        if (!assay_pairs_row(level, NULL, work, &row)) continue;
        const int found = assay_pairs_count(p, level, 0);
        equal = found == most ? equal + 1 : 1;
        if (found > most || (found == most && below(state, equal) == 0)) best = a;
        if (found > most) most = found;
    }
    level[f] = best;
}

/* Completes `seed` in one random way; the number of open pairs that it brings. */
static int grow(assay_pairs *p, const int seed[ASSAY_FACTORS], double work, uint32_t *state, int level[ASSAY_FACTORS])
{
    int order[ASSAY_FACTORS], with_nothing = 0;
    memcpy(level, seed, ASSAY_FACTORS * sizeof *level);
    for (int f = 0; f < ASSAY_FACTORS; f++) {
        order[f] = f;
        with_nothing |= seed[f] >= 0 && assay_pair_is_nothing(f, seed[f]);
    }
    mix(state, order + ASSAY_FACTOR_DIRECTIONS, ASSAY_FACTORS - ASSAY_FACTOR_DIRECTIONS); /* kind and dialect first */
    for (int k = 0; k < ASSAY_FACTORS; k++)
        if (level[order[k]] == ASSAY_LEVEL_FREE) choose(p, level, order[k], with_nothing, work, state);
    return assay_pairs_count(p, level, 0);
}

/* The first open pair that is possible within `work`, large levels first. 0: there is none. */
static int open_pair(const assay_pairs *p, double work, int seed[ASSAY_FACTORS], int pair[2])
{
    for (int f = ASSAY_FACTORS - 1; f >= 0; f--)
        for (int g = ASSAY_FACTORS - 1; g > f; g--)
            for (int a = ASSAY_PAIR_LEVELS - 1; a >= 0; a--)
                for (int b = ASSAY_PAIR_LEVELS - 1; b >= 0; b--) {
                    assay_case_row row;
                    if (p->state[f][a][g][b] != ASSAY_PAIR_OPEN) continue;
                    for (int k = 0; k < ASSAY_FACTORS; k++)
                        seed[k] = ASSAY_LEVEL_FREE;
                    seed[f] = a;
                    seed[g] = b;
                    pair[0] = f;
                    pair[1] = g;
                    if (assay_pairs_row(seed, NULL, work, &row)) return 1;
                }
    return 0;
}

/* The row, with the sizes whose turn it is, but for those that break a rule with the ones before. */
static int members_of(const int level[ASSAY_FACTORS], double work, int turns[ASSAY_FACTORS][ASSAY_PAIR_LEVELS],
                      assay_case_row *out)
{
    int turn[ASSAY_FACTORS] = {0};
    for (int f = 0; f < ASSAY_FACTORS; f++) {
        if (level[f] < 0) continue;
        turn[f] = turns[f][level[f]];
        if (assay_pairs_row(level, turn, work, out))
            turns[f][level[f]]++;
        else
            turn[f] = 0;
    }
    return assay_pairs_row(level, turn, work, out);
}

static int has_nothing(const int level[ASSAY_FACTORS])
{
    int nothing = 0;
    for (int f = 0; f < ASSAY_FACTORS; f++)
        nothing |= level[f] >= 0 && assay_pair_is_nothing(f, level[f]);
    return nothing;
}

/* A few relu units may all be off, and what no unit passes on is 0: such a row proves little by itself. */
static int may_be_dead(const assay_case_row *r)
{
    return !strcmp(r->dialect, "relu") && (double)r->t * r->n * r->h < 31;
}

static void print_row(FILE *to, const assay_case_row *r, const int level[ASSAY_FACTORS], const int pair[2], int number,
                      int found)
{
    const struct {
        const char *name;
        int32_t value;
    } fields[] = {{"op", r->op},
                  {"t", r->t},
                  {"n", r->n},
                  {"i", r->i},
                  {"h", r->h},
                  {"layers", r->layers},
                  {"vocab", r->vocab},
                  {"directions", r->directions},
                  {"classes", r->classes},
                  {"head", r->head},
                  {"loss", r->loss},
                  {"dense_bias", r->dense_bias},
                  {"ragged", r->ragged},
                  {"optimizer", r->optimizer},
                  {"longest", r->longest},
                  {"repeats", r->repeats}};
    char a[48], b[48];
    fprintf(to, "{.tag = \"pair%03d\", .dialect = \"%s\"", number, r->dialect);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        if (fields[k].value) fprintf(to, ", .%s = %d", fields[k].name, (int)fields[k].value);
    fprintf(to, ",\n .flags = ASSAY_CASE_FULL%s%s", r->flags & ASSAY_CASE_NO_LENS ? " | ASSAY_CASE_NO_LENS" : "",
            has_nothing(level) || may_be_dead(r) ? " | ASSAY_CASE_DIAGNOSTIC" : "");
    if (r->t > 31 && r->layers)
        fprintf(to, ", .ungated = \"dh0 dc0\""); /* what has come so far back is next to nothing */
    fprintf(to, ", .why = \"%s with %s, and %d pairs more\"},\n",
            assay_pair_print(pair[0], level[pair[0]], a, sizeof a),
            assay_pair_print(pair[1], level[pair[1]], b, sizeof b), found - 1);
}

int main(int argc, char **argv)
{
    assay_pairs *p = malloc(sizeof *p);
    FILE *to = argc == 2 ? fopen(argv[1], "w") : NULL;
    uint32_t state = 11;
    int turns[ASSAY_FACTORS][ASSAY_PAIR_LEVELS] = {{0}};
    int seed[ASSAY_FACTORS], pair[2], level[ASSAY_FACTORS], best[ASSAY_FACTORS], number = 0;
    if (!p || !to) {
        fprintf(stderr, "assay-pairs: expected one file to write: assay-pairs FILE\n");
        return 2;
    }
    assay_pairs_begin(p);
    fprintf(to, "/* pairs.inc: written by the build, pairs_make.c. SPDX-License-Identifier: MIT */\n");
    for (int cap = 0; cap < CAPS; cap++)
        while (open_pair(p, caps[cap], seed, pair)) {
            assay_case_row row;
            int most = 0;
            for (int k = 0; k < TRIES; k++) {
                const int found = grow(p, seed, caps[cap], &state, level);
                if (found <= most) continue;
                most = found;
                memcpy(best, level, sizeof best);
            }
            if (most == 0 || !members_of(best, fmin(2 * caps[cap], ASSAY_PAIRS_WORK), turns, &row)) return 1;
            assay_pairs_count(p, best, 1);
            print_row(to, &row, best, pair, ++number, most);
        }
    free(p);
    return ferror(to) | fclose(to) ? 1 : 0;
}
