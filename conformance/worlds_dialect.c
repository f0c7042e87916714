/* worlds_dialect.c: the functions of neighbouring dialects: every field at its other values.
 * SPDX-License-Identifier: MIT */
#include "conformance/asked.h"
#include "reference/dialect.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define VALUES 8 /* tried of one field */

/* Where the words of one value end: at a colon, a semicolon, or a comma before the next value. */
static size_t words_length(const char *at)
{
    size_t n = 0;
    while (at[n] && at[n] != ':' && at[n] != ';' &&
           !(at[n] == ',' && at[n + 1] == ' ' && isdigit((unsigned char)at[n + 2])))
        n++;
    return n;
}

/* What the table of fields says of a value: the words behind " 2 ". "" where it has too many values for that. */
static void meaning(const assay_dialect_field *f, int value, char *words, size_t size)
{
    const char *text = f->text;
    char key[16];
    const size_t length = (size_t)snprintf(key, sizeof key, "%d", value);
    words[0] = '\0';
    if (f->real || f->high - f->low >= VALUES) return;
    for (const char *at = strstr(text, key); at; at = strstr(at + 1, key)) {
        const int begins = at == text || at[-1] == ' ';
        if (!begins || (at[length] != ' ' && at[length] != ':')) continue;
        at += length + 1;
        while (*at == ' ')
            at++;
        snprintf(words, size, " (%.*s)", (int)words_length(at), at);
        return;
    }
}

/* A named dialect of this op whose fields are all those of p; NULL. */
static const char *name_of(const assay_problem *p)
{
    const char *op = p->op == ASSAY_OP_XENT || p->op == ASSAY_OP_CTC ? assay_op_name(p->op) : NULL;
    for (int k = 0; k < assay_dialect_count(); k++) {
        const assay_dialect_row *d = assay_dialect_get(k);
        const int loss = !strncmp(d->name, "xent", 4) || !strncmp(d->name, "ctc", 3);
        const int kin = op ? !strncmp(d->name, op, strlen(op)) : !loss;
        if (kin && !memcmp(&d->dialect, &p->dialect, sizeof d->dialect)) return d->name;
    }
    return NULL;
}

static void say_field(assay_asked *a, const assay_dialect_field *f, double is, double was)
{
    const char *name = name_of(&a->w->p);
    char words[80];
    meaning(f, (int)is, words, sizeof words);
    assay_asked_say(a, "the truth %s%s%s%s is %g%s, not %g", name ? "of " : "where ", name ? name : "",
                    name ? ": " : "", f->name, is, words, was);
}

/* Every field of the dialect, other values of it. */
int assay_world_field(assay_asked *a, int variant)
{
    const assay_dialect_field *f = assay_dialect_field_get(variant / VALUES);
    static const double reals[VALUES] = {0, 1, 3, 10, -1, 0.5, 2, 0.1};
    const int k = variant % VALUES;
    if (!f) return ASSAY_WORLD_LAST;
    char *at = (char *)&a->w->p.dialect + f->offset;
    if (!strcmp(f->name, "xent_ignore_index")) return ASSAY_WORLD_NONE;
    if (f->real) {
        double was, is = reals[k];
        memcpy(&was, at, sizeof was);
        if (k == 6) is = 2 * was; /* twice what was asked for */
        if (is == was || (is >= 1 && f->below <= 1)) return ASSAY_WORLD_NONE;
        memcpy(at, &is, sizeof is);
        say_field(a, f, is, was);
        return ASSAY_WORLD_MADE;
    }
    int32_t was, is = f->low + k;
    memcpy(&was, at, sizeof was);
    if (!strcmp(f->name, "ctc_blank") && k == VALUES - 1) is = a->s->p->classes - 1;
    if (is == was || is > f->high || (k >= 4 && f->high - f->low >= VALUES && is > a->s->p->t)) return ASSAY_WORLD_NONE;
    memcpy(at, &is, sizeof is);
    if (!strcmp(f->name, "ctc_labels") && is == ASSAY_LABELS_PADDED)
        return ASSAY_WORLD_NONE; /* there is no room for it */
    if (!strcmp(f->name, "ctc_labels")) {
        const int32_t *lens = a->given.at[ASSAY_LABEL_LENS];
        a->w->p.labels = 0;
        for (int32_t n = 0; lens && n < a->s->p->n; n++)
            a->w->p.labels += lens[n];
    }
    say_field(a, f, is, was);
    return ASSAY_WORLD_MADE;
}
