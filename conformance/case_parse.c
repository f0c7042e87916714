/* case_parse.c: from an id to a case, and back.
 * SPDX-License-Identifier: MIT */
#include "conformance/case_parse.h"

#include "conformance/case_row.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIZE    100000 /* of any one size */
#define LIMIT(value) SPELT(value)
#define SPELT(value) #value
#define MOST_MACS    1e9 /* of a forward pass: what a user can wait for */
#define MOST_NUMBERS 1e8 /* in all tensors together: a check holds several sets of them */

/* Where the reader is, and what it has found so far. */
typedef struct reader {
    const char *at;   /* the rest, "" at the end */
    const char *text; /* all of it */
    char *why;
    size_t why_size;
    int bad;
} reader;

static void refuse(reader *r, const char *expected)
{
    if (!r->bad)
        snprintf(r->why, r->why_size, "case '%.60s': expected %s at '%.30s', as in `assay list cases`", r->text,
                 expected, r->at);
    r->bad = 1;
}

int assay_case_is_id(const char *text)
{
    return text[strcspn(text, "*?[\\")] == '\0';
}

/* The next word, up to a dot; its length. */
static size_t word_length(const char *at)
{
    return strcspn(at, ".");
}

static void skip_word(reader *r, size_t length)
{
    r->at += length;
    if (*r->at == '.') r->at++;
}

/* A number of 0 .. MOST_SIZE at *at, which moves behind it; -1 where there is none. */
static int32_t number(const char **at)
{
    long value = 0;
    if (!isdigit((unsigned char)**at)) return -1;
    for (; isdigit((unsigned char)**at); (*at)++) {
        value = value * 10 + (**at - '0');
        if (value > MOST_SIZE) return -1;
    }
    return (int32_t)value;
}

/* "t5" with key "t": reads the word and returns 1. */
static int sized(reader *r, const char *key, int32_t *out)
{
    const size_t length = strlen(key);
    const char *at = r->at + length;
    if (strncmp(r->at, key, length) != 0) return 0;
    const int32_t value = number(&at);
    if (value < 0 && isdigit((unsigned char)r->at[length])) refuse(r, "sizes of " LIMIT(MOST_SIZE) " at most");
    if (value < 0 || at != r->at + word_length(r->at)) return 0;
    *out = value;
    skip_word(r, word_length(r->at));
    return 1;
}

static void need(reader *r, const char *key, const char *expected, int32_t *out)
{
    if (!r->bad && !sized(r, key, out)) refuse(r, expected);
}

/* "lens3-0-5" with key "lens": so many numbers as there are samples. */
static int listed(reader *r, const char *key, int32_t count, int32_t out[ASSAY_ROW_LENS])
{
    const size_t length = strlen(key);
    const char *at = r->at + length, *end = r->at + word_length(r->at);
    if (strncmp(r->at, key, length) != 0 || !isdigit((unsigned char)*at)) return 0;
    for (int32_t n = 0; n < count; n++) {
        if (n == ASSAY_ROW_LENS || (n && *at++ != '-') || (out[n] = number(&at)) < 0) {
            refuse(r, "a number for each of at most 12 samples");
            return 1;
        }
    }
    if (at != end) refuse(r, "a number for each sample, no more");
    skip_word(r, word_length(r->at));
    return 1;
}

/* ---- the row that a tag names ---- */

static int op_of(const char *name, size_t length)
{
    for (int op = ASSAY_OP_RNN; op <= ASSAY_OP_NETWORK; op++)
        if (strlen(assay_op_name(op)) == length && !strncmp(assay_op_name(op), name, length)) return op;
    return -1;
}

static int is_stack(const assay_case_row *row)
{
    return row->op == ASSAY_OP_RNN || row->op == ASSAY_OP_NETWORK;
}

/* How much a row of the table is like this one; 0 where it is of another kind. */
static int likeness(const assay_case_row *a, const assay_case_row *b)
{
    if (a->op != b->op || strcmp(a->dialect, b->dialect) != 0 || strcmp(a->tag, b->tag) != 0) return 0;
    return 1 + 4 * (a->directions == b->directions) + 2 * ((a->proj > 0) == (b->proj > 0)) +
           (a->layers == b->layers && a->t == b->t && a->n == b->n && a->h == b->h);
}

static const assay_case_row *nearest(const assay_case_row *row)
{
    const assay_case_row *found = NULL;
    int most = 0;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        const int how = likeness(c.source, row);
        if (how <= most) continue;
        most = how;
        found = c.source;
    }
    return found;
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t moved_stride(int32_t stride, int32_t was, int32_t is)
{
    return stride ? stride - was + is : 0;
}

static int32_t output_width(const assay_case_row *row)
{
    const assay_dialect_row *d = assay_dialect_by_name(row->dialect);
    const int joined = d && d->dialect.merge == ASSAY_MERGE_CONCAT;
    return (joined ? row->directions : 1) * (row->proj ? row->proj : row->h);
}

/* Labels of their own lengths are CTC's. */
static int has_label_lengths(const assay_case_row *row)
{
    return row->op == ASSAY_OP_CTC || row->loss == ASSAY_LOSS_CTC;
}

/* All that the id did not say, as in the row that its tag names; without one, plain. *row has the sizes of the id. */
static void complete(assay_case_row *row)
{
    const assay_case_row *like = row->tag[0] ? nearest(row) : NULL, sizes = *row;
    if (like) *row = *like;
    row->tag = sizes.tag;
    row->op = sizes.op;
    row->dialect = sizes.dialect;
    row->t = sizes.t, row->n = sizes.n, row->i = sizes.i, row->h = sizes.h;
    row->proj = sizes.proj, row->layers = sizes.layers, row->directions = sizes.directions;
    if (!is_stack(row)) row->classes = sizes.classes;
    row->why = like ? like->why : "asked for by its id";
    if (!like) {
        row->flags = ASSAY_CASE_GRADCHECK | ASSAY_CASE_EACH | ASSAY_CASE_MEMORY;
        row->ragged = 0;
        for (int n = 0; n < ASSAY_ROW_LENS; n++)
            row->label_lens[n] = row->op == ASSAY_OP_CTC && n < row->n;
        return;
    }
    const int32_t x_width = is_stack(row) ? row->i : row->classes, x_was = is_stack(row) ? like->i : like->classes;
    row->x_stride = moved_stride(row->x_stride, x_was, x_width);
    row->y_stride = moved_stride(row->y_stride, output_width(like), output_width(row));
    for (int n = 0; n < ASSAY_ROW_LENS; n++) {
        row->lens[n] = n < like->n ? least(row->lens[n], row->t) : row->t;
        if (row->t < like->t) row->label_lens[n] = least(row->label_lens[n], row->t);
        if (n >= row->n) row->label_lens[n] = 0;
    }
}

/* ---- reading ---- */

static void read_shape(reader *r, assay_case_row *row)
{
    if (is_stack(row)) {
        row->directions = !strncmp(r->at, "bi.", 3) ? 2 : !strncmp(r->at, "uni.", 4) ? 1 : 0;
        if (!row->directions) refuse(r, "uni or bi");
        if (!r->bad) skip_word(r, word_length(r->at));
        need(r, "l", "lLAYERS", &row->layers);
    }
    need(r, "t", "tSTEPS", &row->t);
    need(r, "n", "nSAMPLES", &row->n);
    if (!is_stack(row)) {
        need(r, "k", "kCLASSES", &row->classes);
        return;
    }
    need(r, "i", "iINPUTS", &row->i);
    need(r, "h", "hHIDDEN", &row->h);
    if (!r->bad) sized(r, "p", &row->proj);
}

static int is_extra(const reader *r)
{
    static const char *const keys[] = {"lens", "k", "v", "u"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const size_t length = strlen(keys[k]);
        if (!strncmp(r->at, keys[k], length) && isdigit((unsigned char)r->at[length])) return 1;
    }
    return 0;
}

static void read_extras(reader *r, assay_case_row *row)
{
    while (*r->at && !r->bad) {
        if (listed(r, "lens", row->n, row->lens))
            row->ragged = 1;
        else if (has_label_lengths(row) && listed(r, "u", row->n, row->label_lens))
            row->longest = 0;
        else if ((is_stack(row) && sized(r, "k", &row->classes)) || sized(r, "v", &row->vocab))
            continue;
        else
            refuse(r, has_label_lengths(row) ? "lensA-B, kCLASSES, vVOCABULARY or uA-B"
                                             : "lensA-B, kCLASSES or vVOCABULARY");
    }
}

/* "rnn/lstm." */
static void read_kind(reader *r, assay_case_row *row)
{
    char dialect[32];
    const size_t op = strcspn(r->at, "/");
    row->op = op_of(r->at, op);
    if (row->op < 0 || r->at[op] != '/') {
        refuse(r, "rnn/, xent/, ctc/ or network/");
        return;
    }
    r->at += op + 1;
    const size_t length = word_length(r->at);
    snprintf(dialect, sizeof dialect, "%.*s", (int)(length < sizeof dialect ? length : 0), r->at);
    const assay_dialect_row *d = assay_dialect_by_name(dialect);
    if (!d) {
        refuse(r, "a dialect of `assay list dialects`");
        return;
    }
    row->dialect = d->name;
    skip_word(r, length);
}

static void read_tag(reader *r, assay_case_spec *out)
{
    assay_case_row *row = &out->row;
    if (*r->at && !is_extra(r)) {
        const size_t length = word_length(r->at);
        snprintf(out->tag, sizeof out->tag, "%.*s", (int)(length < sizeof out->tag ? length : 0), r->at);
        if (!out->tag[0] || !nearest(row)) refuse(r, "the tag of a case of this op and dialect (`assay list cases`)");
        if (!r->bad) skip_word(r, length);
    } else if (row->op == ASSAY_OP_NETWORK) {
        refuse(r, "the tag of a network (`assay list cases`)");
    }
}

static double numbers_of(const assay_problem *p)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(p, list);
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += (double)list[k].count;
    return sum;
}

static void check(reader *r, const assay_case_row *row, const assay_case *c)
{
    char why[160];
    for (int n = 0; row->ragged == 1 && n < row->n; n++)
        if (n >= ASSAY_ROW_LENS || row->lens[n] > row->t) refuse(r, "at most 12 samples with lengths of at most T");
    if (!r->bad && assay_problem_check(&c->problem, why, sizeof why) != ASSAY_OK) {
        snprintf(r->why, r->why_size, "case '%.60s': %s", r->text, why);
        r->bad = 1;
    }
    if (!r->bad && assay_macs_forward(&c->problem, NULL) > MOST_MACS) {
        snprintf(r->why, r->why_size, "case '%.60s': expected at most %g multiply-adds", r->text, MOST_MACS);
        r->bad = 1;
    }
    if (!r->bad && numbers_of(&c->problem) > MOST_NUMBERS) {
        snprintf(r->why, r->why_size, "case '%.60s': expected at most %g numbers in all tensors", r->text,
                 MOST_NUMBERS);
        r->bad = 1;
    }
}

assay_status assay_case_parse(const char *text, assay_case_spec *out, assay_case *c, char *why, size_t why_size)
{
    reader r = {text, text, why, why_size, 0};
    memset(out, 0, sizeof *out);
    memset(c, 0, sizeof *c);
    out->row.tag = out->tag;
    if (strlen(text) >= sizeof out->id) refuse(&r, "an id of at most 95 characters");
    if (!r.bad) read_kind(&r, &out->row);
    if (!r.bad) read_shape(&r, &out->row);
    if (!r.bad) read_tag(&r, out);
    if (!r.bad) complete(&out->row);
    read_extras(&r, &out->row);
    if (!r.bad) assay_row_case(&out->row, c);
    if (!r.bad) check(&r, &out->row, c);
    for (char *at = why; r.bad && *at; at++) /* the id's own characters */
        if (*at < ' ' || *at > '~') *at = '?';
    if (r.bad) return ASSAY_BAD_ARGUMENT;
    snprintf(out->id, sizeof out->id, "%s", text);
    snprintf(c->id, sizeof c->id, "%s", text);
    return ASSAY_OK;
}

/* ---- spelling ---- */

static size_t put_list(char *to, size_t size, const char *key, const int32_t *list, int32_t count)
{
    size_t used = 0;
    for (int32_t n = 0; n < count && used < size; n++)
        used += (size_t)snprintf(to + used, size - used, n ? "%s%d" : ".%s%d", n ? "-" : key, (int)list[n]);
    return used;
}

int assay_case_spell(assay_case_spec *spec)
{
    const assay_case_row *row = &spec->row;
    const size_t size = sizeof spec->id;
    assay_case_row plain = *row; /* what the id would mean without anything spelt out */
    assay_case c;
    complete(&plain);
    assay_row_case(row, &c);
    size_t used = (size_t)snprintf(spec->id, size, "%s", c.id);
    if (used && spec->id[used - 1] == '.') used--; /* no tag */
    const size_t list = (size_t)least(row->n, ASSAY_ROW_LENS) * sizeof(int32_t);
    spec->id[used] = '\0';
    if (row->ragged == 1 && (plain.ragged != 1 || memcmp(row->lens, plain.lens, list)) && used < size)
        used += put_list(spec->id + used, size - used, "lens", row->lens, row->n);
    if (is_stack(row) && row->classes != plain.classes && used < size)
        used += (size_t)snprintf(spec->id + used, size - used, ".k%d", (int)row->classes);
    if (row->vocab != plain.vocab && used < size)
        used += (size_t)snprintf(spec->id + used, size - used, ".v%d", (int)row->vocab);
    if (has_label_lengths(row) && memcmp(row->label_lens, plain.label_lens, list) && used < size)
        used += put_list(spec->id + used, size - used, "u", row->label_lens, row->n);
    return used < size;
}

int assay_case_is_in_table(const char *id)
{
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        if (!strcmp(c.id, id)) return 1;
    }
    return 0;
}
