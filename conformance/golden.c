/* golden.c: golden vectors: safetensors with every offset checked, a problem by the names of its members.
 * SPDX-License-Identifier: MIT */
#include "conformance/golden.h"

#include "conformance/file.h"
#include "reference/dialect.h"
#include "reference/tensors.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1 << 24 };

/* Those of the dialect: reference/dialect.h. */
static const struct member {
    const char *name;
    size_t offset;
    int real; /* double, else int32 */
} members[] = {
#define PLACE(name) #name, offsetof(assay_problem, name)
    {PLACE(op), 0},         {PLACE(arithmetic), 0}, {PLACE(t), 0},      {PLACE(n), 0},          {PLACE(i), 0},
    {PLACE(h), 0},          {PLACE(proj), 0},       {PLACE(layers), 0}, {PLACE(directions), 0}, {PLACE(vocab), 0},
    {PLACE(classes), 0},    {PLACE(max_label), 0},  {PLACE(labels), 0}, {PLACE(head), 0},       {PLACE(loss), 0},
    {PLACE(dense_bias), 0}, {PLACE(optimizer), 0},  {PLACE(lr), 1},     {PLACE(beta1), 1},      {PLACE(beta2), 1},
    {PLACE(epsilon), 1},
#undef PLACE
};

/* A file under way. */
typedef struct reading {
    const char *path;
    const char *bytes; /* of the tensors */
    size_t size;
    char *why;
    size_t why_size;
} reading;

__attribute__((format(printf, 2, 3))) static assay_status bad(const reading *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int at = snprintf(r->why, r->why_size, "%s: ", r->path);
    if (at >= 0 && (size_t)at < r->why_size) vsnprintf(r->why + at, r->why_size - (size_t)at, format, args);
    va_end(args);
    return ASSAY_BAD_ARGUMENT;
}

/* ---- metadata ---- */

/* Where the member of that name is, and whether it is a double, else an int32; NULL if there is none. */
static void *member_of(assay_problem *p, const char *name, int *real)
{
    for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
        *real = members[k].real;
        if (!strcmp(members[k].name, name)) return (char *)p + members[k].offset;
    }
    for (int k = 0; k < assay_dialect_field_count(); k++) {
        const assay_dialect_field *f = assay_dialect_field_get(k);
        *real = f->real;
        if (!strcmp(f->name, name)) return (char *)&p->dialect + f->offset;
    }
    return NULL;
}

static assay_status read_member(const reading *r, const char *name, json_t *value, assay_problem *p)
{
    int real = 0;
    void *to = member_of(p, name, &real);
    const json_int_t whole = json_integer_value(value);
    if (!to) return bad(r, "problem.%s: no such member of assay_problem or assay_dialect", name);
    if (real ? !json_is_number(value) : !json_is_integer(value) || whole < INT32_MIN || whole > INT32_MAX)
        return bad(r, "problem.%s: expected a %s", name, real ? "number" : "whole number of 32 bits");
    if (real)
        *(double *)to = json_number_value(value);
    else
        *(int32_t *)to = (int32_t)whole;
    return ASSAY_OK;
}

static assay_status read_problem(const reading *r, const char *text, assay_problem *p)
{
    json_error_t error;
    const char *name;
    json_t *item, *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    assay_status st = json_is_object(root) ? ASSAY_OK : bad(r, "__metadata__.problem: expected a JSON object");
    json_object_foreach(root, name, item)
    {
        if (st == ASSAY_OK) st = read_member(r, name, item, p);
    }
    json_decref(root);
    char problem[192];
    if (st == ASSAY_OK && assay_problem_check(p, problem, sizeof problem) != ASSAY_OK) st = bad(r, "%s", problem);
    return st;
}

/* Text of at most size - 1 bytes. */
static assay_status read_text(const reading *r, json_t *meta, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(meta, key));
    if (!text || !*text || strlen(text) >= size)
        return bad(r, "__metadata__.%s: expected 1 to %zu characters", key, size - 1);
    memcpy(to, text, strlen(text) + 1);
    return ASSAY_OK;
}

static assay_status read_numbers(const reading *r, json_t *meta, assay_golden *g)
{
    char text[64] = "", *end = NULL;
    assay_status st = read_text(r, meta, "bound", text, sizeof text);
    if (st != ASSAY_OK) return st;
    const int floored = !strcmp(text, "floor");
    g->bound = floored ? 0 : strtod(text, &end);
    if (!floored && (*end || !(g->bound > 0 && g->bound < 1)))
        return bad(r, "__metadata__.bound: '%s', expected \"floor\" or a number between 0 and 1", text);
    if (floored != (g->p.arithmetic == ASSAY_FP32))
        return bad(r, "__metadata__.bound: '%s' with arithmetic %s, expected \"floor\" for fp32 alone", text,
                   assay_format_name(g->p.arithmetic));
    if (!json_object_get(meta, "step")) return ASSAY_OK;
    st = read_text(r, meta, "step", text, sizeof text);
    if (st != ASSAY_OK) return st;
    g->step = strtoll(text, &end, 10);
    return *end || g->step < 0 || g->step > INT32_MAX ? bad(r, "__metadata__.step: '%s', expected a count", text)
                                                      : ASSAY_OK;
}

static assay_status read_metadata(const reading *r, json_t *meta, assay_golden *g)
{
    static const char *const known[] = {"source", "version", "why", "problem", "bound", "step"};
    const char *key;
    json_t *item;
    json_object_foreach(meta, key, item)
    {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(known[k], key) != 0)
            k++;
        if (k == sizeof known / sizeof *known) return bad(r, "__metadata__.%s: no such member", key);
    }
    const char *problem = json_string_value(json_object_get(meta, "problem"));
    assay_status st = read_text(r, meta, "source", g->source, sizeof g->source);
    if (st == ASSAY_OK) st = read_text(r, meta, "version", g->version, sizeof g->version);
    if (st == ASSAY_OK) st = read_text(r, meta, "why", g->why, sizeof g->why);
    if (st == ASSAY_OK && !problem) st = bad(r, "__metadata__.problem: expected the text of a JSON object");
    if (st == ASSAY_OK) st = read_problem(r, problem, &g->p);
    if (st == ASSAY_OK) st = read_numbers(r, meta, g);
    return st;
}

/* ---- tensors ---- */

static int same_shape(json_t *shape, const assay_tensor *x)
{
    if (!json_is_array(shape) || json_array_size(shape) != (size_t)x->rank) return 0;
    for (int k = 0; k < x->rank; k++) {
        json_t *dim = json_array_get(shape, (size_t)k);
        if (!json_is_integer(dim) || json_integer_value(dim) != x->dims[k]) return 0;
    }
    return 1;
}

static assay_status check_content(const reading *r, const assay_tensor *x, const void *content)
{
    for (int64_t k = 0; !x->integer && k < x->count; k++)
        if (isnan(((const double *)content)[k])) return bad(r, "%s[%lld]: not a number", x->name, (long long)k);
    return ASSAY_OK;
}

/* *used grows by the bytes of the tensor. */
static assay_status read_tensor(const reading *r, const char *name, json_t *item, assay_golden *g, size_t *used)
{
    const char *type = NULL;
    json_t *shape = NULL;
    json_int_t begin = 0, end = 0;
    assay_tensor x;
    if (!assay_tensor_find(&g->p, assay_tensor_by_name(&g->p, name), &x))
        return bad(r, "%s: the problem has no such tensor", name);
    if (json_unpack(item, "{s:s, s:o, s:[I, I]!}", "dtype", &type, "shape", &shape, "data_offsets", &begin, &end) != 0)
        return bad(r, "%s: expected dtype, shape and two data_offsets", name);
    if (strcmp(type, x.integer ? "I32" : "F64") != 0)
        return bad(r, "%s: dtype %s, expected %s", name, type, x.integer ? "I32" : "F64");
    if (!same_shape(shape, &x))
        return bad(r, "%s: another shape than %d of (%d, %d, %d)", name, x.rank, x.dims[0], x.dims[1], x.dims[2]);
    const double bytes = (double)x.count * (x.integer ? 4 : 8); /* a product that may be beyond any integer */
    if (begin < 0 || end < begin || (uint64_t)end > r->size || (double)(end - begin) != bytes)
        return bad(r, "%s: bytes %lld to %lld, expected %.0f within %zu", name, (long long)begin, (long long)end, bytes,
                   r->size);
    const size_t length = (size_t)(end - begin);
    *used += length;
    void *content = malloc(length + 1); /* an empty tensor is there, too */
    if (!content) return ASSAY_NO_MEMORY;
    memcpy(content, r->bytes + begin, length);
    g->values.at[x.id] = content;
    return check_content(r, &x, content);
}

static assay_status check_integers(const reading *r, const assay_golden *g)
{
    char problem[192];
    void *const *at = g->values.at;
    assay_status st = assay_integers_check(&g->p, at[ASSAY_IDS], at[ASSAY_LENS], at[ASSAY_LABELS], at[ASSAY_LABEL_LENS],
                                           problem, sizeof problem);
    return st == ASSAY_OK ? st : bad(r, "%s", problem);
}

static assay_status read_header(const reading *r, json_t *root, assay_golden *g)
{
    const char *name;
    json_t *item, *meta = json_object_get(root, "__metadata__");
    size_t used = 0;
    if (!json_is_object(meta)) return bad(r, "__metadata__: expected an object");
    assay_status st = read_metadata(r, meta, g);
    json_object_foreach(root, name, item)
    {
        if (st == ASSAY_OK && item != meta) st = read_tensor(r, name, item, g, &used);
    }
    if (st == ASSAY_OK && used != r->size)
        st = bad(r, "%zu bytes of tensors, expected the %zu that the header tells of", r->size, used);
    return st == ASSAY_OK ? check_integers(r, g) : st;
}

static assay_status read_bytes(reading *r, const char *bytes, size_t size, assay_golden *g)
{
    uint64_t length = 0;
    json_error_t error;
    for (int k = 7; k >= 0 && size >= 8; k--)
        length = length << 8 | (unsigned char)bytes[k];
    if (size < 8 || length > size - 8)
        return bad(r, "%zu bytes with a header of %llu, expected 8 and the header at least", size,
                   (unsigned long long)length);
    r->bytes = bytes + 8 + length;
    r->size = size - 8 - length;
    json_t *root = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, &error);
    assay_status st = json_is_object(root) ? read_header(r, root, g) : bad(r, "header: %s", error.text);
    json_decref(root);
    return st;
}

assay_status assay_golden_read(const char *path, assay_golden *out, char *why, size_t why_size)
{
    char *bytes = NULL;
    size_t size = 0;
    reading r = {path, NULL, 0, why, why_size};
    memset(out, 0, sizeof *out);
    assay_status st = assay_file_read(path, LARGEST_FILE, &bytes, &size, why, why_size);
    if (st == ASSAY_OK) st = read_bytes(&r, bytes, size, out);
    if (st == ASSAY_NO_MEMORY) snprintf(why, why_size, "%s: no memory", path);
    if (st != ASSAY_OK) {
        assay_golden_free(out);
        assay_file_clean_message(why);
    }
    free(bytes);
    return st;
}

void assay_golden_free(assay_golden *g)
{
    assay_values_free(&g->values);
    memset(g, 0, sizeof *g);
}
