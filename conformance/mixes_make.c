/* mixes_make.c: writes cases that together hold every pair of options that some problem has, their dialects, and the
 * number of pairs. Run by the build: assay-mixes ROWS DIALECTS PAIRS.
 * SPDX-License-Identifier: MIT
 *
 * What is legal is known by asking alone (assay_problem_check), so pairs are found by trial: a pair is possible if one
 * of many problems drawn around it is legal. Greedy as pairs_make.c: a pair that is still open, problems drawn around
 * it, of which the one with most open pairs becomes a row. Integers only and a generator of its own: the same rows on
 * every machine. */
#include "conformance/mixes.h"

#include "reference/dialect.h"
#include "reference/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 1000 /* around a pair, before it counts as impossible */
#define TRIES 60   /* of which the best becomes a row */

enum { ALL = ASSAY_MIX_FACTORS * ASSAY_MIX_LEVELS };

typedef enum state { UNKNOWN, OPEN, COVERED } state;

/* By group, level of the first factor and of a later one. */
typedef struct pairs {
    unsigned char state[ASSAY_MIX_GROUPS][ALL][ALL];
    uint32_t random;
} pairs;

static int below(pairs *p, int count)
{
    p->random = p->random * 1664525u + 1013904223u;
    return (int)((p->random >> 8) % (uint32_t)count);
}

/* Levels at random, of a problem of this group and two of them given. 0: they do not meet like that, or what was drawn
 * is illegal. */
static int draw(pairs *p, int group, const int f[2], const int a[2], int level[ASSAY_MIX_FACTORS])
{
    assay_case_row row;
    assay_dialect d;
    for (int g = 0; g < ASSAY_MIX_FACTORS; g++) {
        const int count = assay_mix_count(level, g);
        level[g] = count ? below(p, count) : -1;
        for (int k = 0; k < 2; k++) {
            if (f[k] != g) continue;
            if (a[k] >= count) return 0;
            level[g] = a[k];
        }
        if (g == 0 && assay_mix_group(level) != group) return 0;
    }
    return assay_mix_make(level, &row, &d);
}

/* Of the pairs of these levels those in state `from` go to `to`; their number. */
static int move(pairs *p, const int level[ASSAY_MIX_FACTORS], state from, state to)
{
    const int group = assay_mix_group(level);
    int moved = 0;
    for (int f = 0; f < ASSAY_MIX_FACTORS; f++)
        for (int g = f + 1; g < ASSAY_MIX_FACTORS && level[f] >= 0; g++) {
            if (level[g] < 0) continue;
            unsigned char *s = &p->state[group][f * ASSAY_MIX_LEVELS + level[f]][g * ASSAY_MIX_LEVELS + level[g]];
            if (*s != from) continue;
            *s = (unsigned char)to;
            moved++;
        }
    return moved;
}

static int find_possible(pairs *p, int group)
{
    int level[ASSAY_MIX_FACTORS], possible = 0;
    for (int x = 0; x < ALL; x++)
        for (int y = 0; y < ALL; y++) {
            const int f[2] = {x / ASSAY_MIX_LEVELS, y / ASSAY_MIX_LEVELS};
            const int a[2] = {x % ASSAY_MIX_LEVELS, y % ASSAY_MIX_LEVELS};
            for (int k = 0; f[0] < f[1] && k < DRAWS && p->state[group][x][y] == UNKNOWN; k++)
                if (draw(p, group, f, a, level)) possible += move(p, level, UNKNOWN, OPEN);
        }
    return possible;
}

/* ---- writing ---- */

static void put_dialect(FILE *to, const char *name, const int level[ASSAY_MIX_FACTORS], const assay_dialect *d)
{
    const char *between = "";
    fprintf(to, "{\"%s\", \"", name);
    for (int f = 1; f < ASSAY_MIX_FACTORS; f++) {
        if (level[f] <= 0) continue;
        fprintf(to, "%s%s", between, assay_mix_print(f, level[f]));
        between = ", ";
    }
    fprintf(to, "\",\n {");
    between = "";
    for (int k = 0; k < assay_dialect_field_count(); k++) {
        const assay_dialect_field *x = assay_dialect_field_get(k);
        const char *at = (const char *)d + x->offset;
        const double value = x->real ? *(const double *)at : *(const int32_t *)at;
        if (value == 0) continue;
        fprintf(to, "%s.%s = %g", between, x->name, value);
        between = ", ";
    }
    fprintf(to, "%s}},\n", *between ? "" : "0");
}

static void put_row(FILE *to, const char *name, const assay_case_row *r, const char *why)
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
                  {"directions", r->directions},
                  {"proj", r->proj},
                  {"x_stride", r->x_stride},
                  {"y_stride", r->y_stride},
                  {"vocab", r->vocab},
                  {"classes", r->classes},
                  {"head", r->head},
                  {"loss", r->loss},
                  {"dense_bias", r->dense_bias},
                  {"optimizer", r->optimizer},
                  {"ragged", r->ragged},
                  {"longest", r->longest},
                  {"repeats", r->repeats}};
    fprintf(to, "{.tag = \"mix\", .dialect = \"%s\"", name);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        if (fields[k].value) fprintf(to, ", .%s = %d", fields[k].name, (int)fields[k].value);
    fprintf(to, ",\n .label_lens = {%d", (int)r->label_lens[0]);
    for (int n = 1; n < ASSAY_ROW_LENS; n++)
        fprintf(to, ", %d", (int)r->label_lens[n]);
    fprintf(to, "}, .flags = %u, .why = \"%s\"},\n", r->flags, why);
}

static void put(FILE *rows, FILE *dialects, int number, const int level[ASSAY_MIX_FACTORS], const char *why)
{
    assay_case_row row;
    assay_dialect d;
    char name[32];
    assay_mix_make(level, &row, &d);
    const int stack = row.op == ASSAY_OP_RNN || row.op == ASSAY_OP_NETWORK;
    /* A few relu units may all be off, and what no unit passes on is 0: such a row proves little by itself. */
    if (stack && d.cell == ASSAY_RNN_RELU) row.flags |= ASSAY_CASE_DIAGNOSTIC;
    if (row.op == ASSAY_OP_RNN) row.flags |= ASSAY_CASE_EACH;
    snprintf(name, sizeof name, "%s-mix%03d", stack ? assay_cell_name(d.cell) : assay_op_name(row.op), number);
    put_dialect(dialects, name, level, &d);
    put_row(rows, name, &row, why);
}

/* Rows until no pair of the group is open. */
static void cover(pairs *p, int group, FILE *rows, FILE *dialects, int *number)
{
    for (int x = 0; x < ALL; x++)
        for (int y = 0; y < ALL; y++) {
            const int f[2] = {x / ASSAY_MIX_LEVELS, y / ASSAY_MIX_LEVELS};
            const int a[2] = {x % ASSAY_MIX_LEVELS, y % ASSAY_MIX_LEVELS};
            int level[ASSAY_MIX_FACTORS], best[ASSAY_MIX_FACTORS], most = 0;
            char why[160];
            if (p->state[group][x][y] != OPEN) continue;
            for (int k = 0; k < TRIES || most == 0; k++) {
                if (!draw(p, group, f, a, level)) continue;
                const int found = move(p, level, OPEN, OPEN);
                if (found <= most) continue;
                most = found;
                memcpy(best, level, sizeof best);
            }
            snprintf(why, sizeof why, "%s with %s, and %d pairs of options more", assay_mix_print(f[0], a[0]),
                     assay_mix_print(f[1], a[1]), most - 1);
            move(p, best, OPEN, COVERED);
            put(rows, dialects, ++*number, best, why);
        }
}

int main(int argc, char **argv)
{
    pairs *p = calloc(1, sizeof *p);
    FILE *to[3] = {NULL};
    int bad = !p || argc != 4, possible = 0, number = 0;
    for (int k = 0; k < 3 && !bad; k++)
        bad |= !(to[k] = fopen(argv[1 + k], "w"));
    if (bad) {
        fprintf(stderr, "assay-mixes: expected three files to write: assay-mixes ROWS DIALECTS PAIRS\n");
        return 2;
    }
    p->random = 5;
    for (int k = 0; k < 3; k++)
        fprintf(to[k], "/* Written by the build, mixes_make.c. SPDX-License-Identifier: MIT */\n");
    for (int group = 0; group < ASSAY_MIX_GROUPS; group++) {
        possible += find_possible(p, group);
        cover(p, group, to[0], to[1], &number);
    }
    fprintf(to[2], "enum { ASSAY_MIX_PAIRS = %d };\n", possible);
    free(p);
    for (int k = 0; k < 3; k++)
        bad |= ferror(to[k]) | fclose(to[k]);
    return bad ? 1 : 0;
}
