/* locate.c: the axes of every tensor, and elements in words.
 * SPDX-License-Identifier: MIT */
#include "conformance/locate.h"

#include <stdio.h>
#include <string.h>

/* ---- axes ---- */

/* A letter an axis: l L-1 layers, q layers, d directions, e halves of a concatenation, t n i h s v as in problem.h, g
 * gates, p the three gates of a peephole, c columns, k ids, u longest label, j joined labels. Time and sample change
 * places in batch-major. */
static const struct {
    int id;
    const char *axes;
} slots[] = {
    {ASSAY_X, "tni"},    {ASSAY_IDS, "tn"},   {ASSAY_LENS, "n"},     {ASSAY_LABEL_LENS, "n"},
    {ASSAY_H0, "qdns"},  {ASSAY_C0, "qdnh"},  {ASSAY_MASK, "ltnes"}, {ASSAY_CLASS_WEIGHTS, "v"},
    {ASSAY_DY, "tnes"},  {ASSAY_DHN, "qdns"}, {ASSAY_DCN, "qdnh"},   {ASSAY_Y, "tnes"},
    {ASSAY_HN, "qdns"},  {ASSAY_CN, "qdnh"},  {ASSAY_DX, "tni"},     {ASSAY_DH0, "qdns"},
    {ASSAY_DC0, "qdnh"},
};

static const char *const rnn_params[] = {"ghc", "ghc", "gh", "gh", "ph", "sc"};
static const char *const head_params[] = {"kc", "vc", "v"};

/* Of the tensors whose shape depends on the op: by their rank. */
static const char *shape_of_loss(const assay_problem *p, const assay_tensor *x)
{
    const int each = x->rank >= 2, apart = p->op == ASSAY_OP_CTC && p->dialect.ctc_reduction == ASSAY_REDUCE_NONE;
    if (x->id == ASSAY_LOGITS) return p->head == ASSAY_HEAD_EVERY ? "tnv" : "nv";
    if (x->id == ASSAY_LABELS && (p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC)) return each ? "nu" : "j";
    if (x->id == ASSAY_LABELS || x->id == ASSAY_LOSS_ROWS) return each ? "tn" : "n";
    if (x->id == ASSAY_DLOSS) return each ? "tn" : apart ? "n" : "";
    return "";
}

static const char *shape_of(const assay_problem *p, const assay_tensor *x)
{
    const int loss = p->op == ASSAY_OP_XENT || p->op == ASSAY_OP_CTC;
    if (x->id >= ASSAY_SLOTS) {
        const int param = (x->id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS, head = param - assay_param_head(p, 0);
        return head >= 0 ? head_params[head] : rnn_params[param % ASSAY_RNN_PARAMS];
    }
    if (loss && (x->id == ASSAY_X || x->id == ASSAY_DX)) return "tnv";
    for (size_t k = 0; k < sizeof slots / sizeof *slots; k++)
        if (slots[k].id == x->id) return slots[k].axes;
    return shape_of_loss(p, x);
}

static assay_axis axis_of(const assay_problem *p, const assay_tensor *x, char letter)
{
    const int joined = p->directions == 2 && p->dialect.merge == ASSAY_MERGE_CONCAT;
    const struct {
        char letter;
        int32_t kind, size;
    } axes[] = {
        {'l', ASSAY_AXIS_LAYER, p->layers - 1},
        {'q', ASSAY_AXIS_LAYER, p->layers},
        {'d', ASSAY_AXIS_DIRECTION, p->directions},
        {'e', ASSAY_AXIS_DIRECTION, joined ? 2 : 1},
        {'t', ASSAY_AXIS_TIME, p->t},
        {'n', ASSAY_AXIS_SAMPLE, p->n},
        {'i', ASSAY_AXIS_INPUT, p->i},
        {'h', ASSAY_AXIS_UNIT, p->h},
        {'s', ASSAY_AXIS_UNIT, assay_state_width(p)},
        {'v', ASSAY_AXIS_CLASS, p->classes},
        {'g', ASSAY_AXIS_GATE, assay_gates(p->dialect.cell)},
        {'p', ASSAY_AXIS_GATE, 3},
        {'c', ASSAY_AXIS_COLUMN, x->dims[1]},
        {'k', ASSAY_AXIS_ID, p->vocab},
        {'u', ASSAY_AXIS_LABEL, p->max_label},
        {'j', ASSAY_AXIS_LABEL, p->labels},
    };
    size_t k = 0;
    while (axes[k].letter != letter)
        k++;
    return (assay_axis){.kind = axes[k].kind, .size = axes[k].size};
}

void assay_axes_of(const assay_problem *p, const assay_tensor *x, assay_axes *out)
{
    const char *shape = shape_of(p, x);
    int64_t step = 1;
    memset(out, 0, sizeof *out);
    out->elements = 1;
    for (; *shape; shape++)
        out->at[out->count++] = axis_of(p, x, *shape);
    for (int k = 1; k < out->count; k++) {
        const int time = out->at[k - 1].kind == ASSAY_AXIS_TIME;
        if (!time || out->at[k].kind != ASSAY_AXIS_SAMPLE || p->dialect.layout != ASSAY_BATCH_MAJOR) continue;
        const assay_axis samples = out->at[k];
        out->at[k] = out->at[k - 1];
        out->at[k - 1] = samples;
    }
    for (int k = out->count - 1; k >= 0; k--) {
        const int is_row = out->at[k].kind == ASSAY_AXIS_TIME || out->at[k].kind == ASSAY_AXIS_SAMPLE;
        if (is_row && step == x->row && x->stride > x->row) step = x->stride;
        out->at[k].step = step;
        step *= out->at[k].size;
        out->elements *= out->at[k].size;
    }
    for (int k = 0; k < out->count; k++)
        out->at[k].round = out->at[k].step < x->stride ? x->stride : x->count;
}

const assay_axis *assay_axes_find(const assay_axes *a, int kind)
{
    for (int k = 0; k < a->count; k++)
        if (a->at[k].kind == kind) return &a->at[k];
    return NULL;
}

int64_t assay_axes_element(const assay_axes *a, int64_t k)
{
    int64_t e = 0;
    for (int j = a->count - 1; j >= 0; j--) {
        e += k % a->at[j].size * a->at[j].step;
        k /= a->at[j].size;
    }
    return e;
}

/* ---- words ---- */

const char *assay_gate_letter(const assay_problem *p, int gate, int of_peephole)
{
    static const char *const lstm[] = {"i", "f", "g", "o"}, *const gru[] = {"r", "z", "n"};
    if (p->dialect.cell == ASSAY_LSTM) return lstm[of_peephole && gate == 2 ? 3 : gate];
    return p->dialect.cell == ASSAY_GRU ? gru[gate] : "";
}

static int is_peephole(const assay_problem *p, const assay_tensor *x)
{
    const int param = (x->id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS;
    return x->id >= ASSAY_SLOTS && param < assay_param_head(p, 0) && param % ASSAY_RNN_PARAMS == ASSAY_PEEPHOLE;
}

const char *assay_axis_words(const assay_problem *p, const assay_tensor *x, int kind, int32_t index, char *buffer,
                             size_t size)
{
    static const char *const names[ASSAY_AXIS_KINDS] = {"layer",  "",      "t",     "sample", "gate", "unit",
                                                        "column", "input", "class", "label",  "id"};
    const int state = x->id != ASSAY_Y && x->id != ASSAY_DY && x->id != ASSAY_MASK;
    if (kind == ASSAY_AXIS_DIRECTION)
        snprintf(buffer, size, "%s%s", index ? "reverse" : "forward", state ? "" : " half");
    else if (kind == ASSAY_AXIS_GATE)
        snprintf(buffer, size, "gate %s", assay_gate_letter(p, index, is_peephole(p, x)));
    else
        snprintf(buffer, size, "%s %d", names[kind], (int)index);
    return buffer;
}

/* Which axes tell something: a cell without gates has one gate, a stack may have one layer. */
static int is_telling(const assay_axis *a)
{
    const int always = a->kind != ASSAY_AXIS_LAYER && a->kind != ASSAY_AXIS_DIRECTION && a->kind != ASSAY_AXIS_GATE;
    return always || a->size > 1;
}

/* " (past its length 2)", where element e is. */
static const char *past_length(const assay_problem *p, const assay_values *given, const assay_axes *a, int64_t e,
                               char *buffer, size_t size)
{
    const assay_axis *time = assay_axes_find(a, ASSAY_AXIS_TIME), *sample = assay_axes_find(a, ASSAY_AXIS_SAMPLE);
    buffer[0] = '\0';
    if (!given || !time || !sample) return buffer;
    const int32_t length = assay_length(p, given, assay_axis_index(sample, e));
    if (assay_axis_index(time, e) >= length) snprintf(buffer, size, " (past its length %d)", (int)length);
    return buffer;
}

/* Axes whose step is at least `least`: those inside a row have smaller ones. */
static const char *describe(const assay_problem *p, const assay_values *given, const assay_tensor *x, int64_t e,
                            int64_t least, char *buffer, size_t size)
{
    assay_axes a;
    size_t used = 0;
    buffer[0] = '\0';
    if (e < 0 || e >= x->count) return buffer;
    assay_axes_of(p, x, &a);
    for (int k = 0; k < a.count && used < size; k++) {
        char words[32], past[40] = "";
        if (!is_telling(&a.at[k]) || a.at[k].step < least) continue;
        assay_axis_words(p, x, a.at[k].kind, assay_axis_index(&a.at[k], e), words, sizeof words);
        if (a.at[k].kind == ASSAY_AXIS_SAMPLE) past_length(p, given, &a, e, past, sizeof past);
        used += (size_t)snprintf(buffer + used, size - used, "%s%s%s", used ? ", " : "", words, past);
    }
    return buffer;
}

const char *assay_locate(const assay_problem *p, const assay_values *given, const assay_tensor *x, int64_t at,
                         char *buffer, size_t size)
{
    return describe(p, given, x, at, 1, buffer, size);
}

const char *assay_locate_row(const assay_problem *p, const assay_values *given, const assay_tensor *x, int64_t row,
                             char *buffer, size_t size)
{
    const int64_t width = x->row > 0 ? x->row : 1, stride = x->stride > width ? x->stride : width;
    return describe(p, given, x, row < 0 ? -1 : row * stride, width, buffer, size);
}
