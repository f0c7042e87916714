/* tensors.c: which tensors a problem has, as one table; and how many multiply-adds it takes.
 * SPDX-License-Identifier: MIT */
#include "reference/tensors.h"

#include <stdio.h>
#include <string.h>

/* What is true of a problem. */
enum {
    RNN = 1,
    XENT = 2,
    CTC = 4,
    NET = 8, /* one of these four */
    IS_LSTM = 16,
    FROM_X = 32,      /* the input is x */
    FROM_IDS = 64,    /* the input is ids */
    EVERY = 128,      /* one row of logits a step */
    LAST = 256,       /* one row of logits a sample */
    XENT_ROWS = 512,  /* the loss is cross-entropy */
    CTC_ROWS = 1024,  /* the loss is CTC */
    REDUCED = 2048,   /* the loss is one number */
    APART = 4096,     /* each row's loss stands alone */
    GRADIENT = 8192,  /* there is something to differentiate */
    MASKED = 16384,   /* dropout between layers */
    WEIGHTED = 32768, /* classes have weights */
    PADDED = 65536,   /* CTC labels, one row a sample */
    JOINED = 131072,  /* one after the other */
    ANY = RNN | XENT | CTC | NET
};

static unsigned facts(const assay_problem *p)
{
    static const unsigned ops[] = {RNN, XENT, CTC, NET};
    const int xent = p->op == ASSAY_OP_XENT || (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_XENT);
    const int ctc = p->op == ASSAY_OP_CTC || (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_CTC);
    unsigned f = ops[p->op];
    if (p->dialect.cell == ASSAY_LSTM) f |= IS_LSTM;
    f |= p->op == ASSAY_OP_NETWORK && p->vocab > 0 ? FROM_IDS : FROM_X;
    f |= p->head == ASSAY_HEAD_LAST ? LAST : EVERY;
    if (p->op == ASSAY_OP_RNN || xent || ctc) f |= GRADIENT;
    if ((f & (RNN | NET)) && p->dialect.dropout > 0) f |= MASKED;
    if (xent && p->dialect.xent_weighted) f |= WEIGHTED;
    if (xent) f |= XENT_ROWS | (p->dialect.xent_reduction == ASSAY_REDUCE_NONE ? APART : REDUCED);
    if (ctc) f |= p->dialect.ctc_labels == ASSAY_LABELS_PADDED ? PADDED : JOINED;
    if (ctc) f |= CTC_ROWS | (p->dialect.ctc_reduction == ASSAY_REDUCE_NONE ? APART : REDUCED);
    return f;
}

/* A slot exists where one of `ops` and all of `need` are true. Shapes by letter: t n i h s y v as in problem.h, q =
 * L*D, l = (L-1) times the letter after it, u = longest label, c = concatenated labels, 1; t and n change places in
 * batch-major. `index` = how many leading letters number the rows. */
static const struct slot {
    int id, role, integer, index;
    unsigned ops, need;
    const char *name, *shape;
} slots[] = {
    {ASSAY_X, ASSAY_ROLE_INPUT, 0, 2, RNN | NET, FROM_X, "x", "tni"},
    {ASSAY_X, ASSAY_ROLE_INPUT, 0, 2, XENT | CTC, 0, "x", "tnv"},
    {ASSAY_IDS, ASSAY_ROLE_INPUT, 1, 2, NET, FROM_IDS, "ids", "tn"},
    {ASSAY_LENS, ASSAY_ROLE_INPUT, 1, 1, ANY, 0, "lens", "n"},
    {ASSAY_LABELS, ASSAY_ROLE_INPUT, 1, 2, ANY, XENT_ROWS | EVERY, "labels", "tn"},
    {ASSAY_LABELS, ASSAY_ROLE_INPUT, 1, 1, ANY, XENT_ROWS | LAST, "labels", "n"},
    {ASSAY_LABELS, ASSAY_ROLE_INPUT, 1, 1, ANY, CTC_ROWS | JOINED, "labels", "c"},
    {ASSAY_LABELS, ASSAY_ROLE_INPUT, 1, 1, ANY, CTC_ROWS | PADDED, "labels", "nu"},
    {ASSAY_LABEL_LENS, ASSAY_ROLE_INPUT, 1, 1, ANY, CTC_ROWS, "label_lens", "n"},
    {ASSAY_H0, ASSAY_ROLE_INPUT, 0, 2, RNN | NET, 0, "h0", "qns"},
    {ASSAY_C0, ASSAY_ROLE_INPUT, 0, 2, RNN | NET, IS_LSTM, "c0", "qnh"},
    {ASSAY_MASK, ASSAY_ROLE_INPUT, 0, 2, RNN | NET, MASKED, "mask", "ltny"},
    {ASSAY_CLASS_WEIGHTS, ASSAY_ROLE_INPUT, 0, 1, ANY, WEIGHTED, "class_weights", "v"},
    {ASSAY_DY, ASSAY_ROLE_COTANGENT, 0, 2, RNN, 0, "dy", "tny"},
    {ASSAY_DHN, ASSAY_ROLE_COTANGENT, 0, 2, RNN, 0, "dhn", "qns"},
    {ASSAY_DCN, ASSAY_ROLE_COTANGENT, 0, 2, RNN, IS_LSTM, "dcn", "qnh"},
    {ASSAY_DLOSS, ASSAY_ROLE_COTANGENT, 0, 1, XENT | CTC, REDUCED, "dloss", "1"},
    {ASSAY_DLOSS, ASSAY_ROLE_COTANGENT, 0, 2, XENT, APART, "dloss", "tn"},
    {ASSAY_DLOSS, ASSAY_ROLE_COTANGENT, 0, 1, CTC, APART, "dloss", "n"},
    {ASSAY_Y, ASSAY_ROLE_FORWARD, 0, 2, RNN | NET, 0, "y", "tny"},
    {ASSAY_HN, ASSAY_ROLE_FORWARD, 0, 2, RNN, 0, "hn", "qns"},
    {ASSAY_CN, ASSAY_ROLE_FORWARD, 0, 2, RNN, IS_LSTM, "cn", "qnh"},
    {ASSAY_LOGITS, ASSAY_ROLE_FORWARD, 0, 2, NET, EVERY, "logits", "tnv"},
    {ASSAY_LOGITS, ASSAY_ROLE_FORWARD, 0, 1, NET, LAST, "logits", "nv"},
    {ASSAY_LOSS_ROWS, ASSAY_ROLE_FORWARD, 0, 2, ANY, XENT_ROWS | EVERY, "loss_rows", "tn"},
    {ASSAY_LOSS_ROWS, ASSAY_ROLE_FORWARD, 0, 1, ANY, XENT_ROWS | LAST, "loss_rows", "n"},
    {ASSAY_LOSS_ROWS, ASSAY_ROLE_FORWARD, 0, 1, ANY, CTC_ROWS, "loss_rows", "n"},
    {ASSAY_LOSS, ASSAY_ROLE_FORWARD, 0, 1, ANY, REDUCED, "loss", "1"},
    {ASSAY_DX, ASSAY_ROLE_GRADIENT, 0, 2, RNN | NET, FROM_X | GRADIENT, "dx", "tni"},
    {ASSAY_DX, ASSAY_ROLE_GRADIENT, 0, 2, XENT | CTC, 0, "dx", "tnv"},
    {ASSAY_DH0, ASSAY_ROLE_GRADIENT, 0, 2, RNN | NET, GRADIENT, "dh0", "qns"},
    {ASSAY_DC0, ASSAY_ROLE_GRADIENT, 0, 2, RNN | NET, IS_LSTM | GRADIENT, "dc0", "qnh"},
};

/* The members of each family are named before + parameter + after. */
static const struct {
    int role;
    const char *before, *after;
} families[ASSAY_FAMILIES] = {
    {ASSAY_ROLE_INPUT, "", ""},      {ASSAY_ROLE_INPUT, "m.", ""},  {ASSAY_ROLE_INPUT, "v.", ""},
    {ASSAY_ROLE_GRADIENT, "d", ""},  {ASSAY_ROLE_UPDATED, "", "+"}, {ASSAY_ROLE_UPDATED, "m.", "+"},
    {ASSAY_ROLE_UPDATED, "v.", "+"},
};

static int64_t size_of(const assay_problem *p, char letter)
{
    static const char letters[] = "tnihsvqyuc";
    const int64_t sizes[] = {p->t,
                             p->n,
                             p->i,
                             p->h,
                             assay_state_width(p),
                             p->classes,
                             (int64_t)p->layers * p->directions,
                             assay_output_width(p),
                             p->max_label,
                             p->labels};
    const char *at = strchr(letters, letter);
    return at ? sizes[at - letters] : 1;
}

/* The sizes of a shape; its rank. */
static int shape_of(const assay_problem *p, const char *shape, int64_t dims[3])
{
    const int layers = *shape == 'l';
    shape += layers;
    const int rank = (int)strlen(shape),
              swapped = p->dialect.layout == ASSAY_BATCH_MAJOR && strncmp(shape, "tn", 2) == 0;
    for (int k = 0; k < rank; k++)
        dims[k] = size_of(p, shape[swapped && k < 2 ? 1 - k : k]);
    if (layers) dims[0] *= p->layers - 1;
    return rank;
}

/* Rows of x and y and of their gradients may lie apart. */
static int32_t stride_of(const assay_problem *p, int id)
{
    if (id == ASSAY_X || id == ASSAY_DX) return p->x_stride;
    return id == ASSAY_Y || id == ASSAY_DY ? p->y_stride : 0;
}

/* Saturates: an impossible problem is told so by its sizes (assay_problem_check), not by an overflow here. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static void set_shape(assay_tensor *x, int rank, const int64_t *dims, int index)
{
    x->rank = rank;
    x->count = 1;
    x->row = 1;
    for (int k = 0; k < 3; k++)
        x->dims[k] = k < rank ? (int32_t)dims[k] : 1;
    for (int k = 0; k < rank; k++) {
        x->count = times(x->count, dims[k]);
        if (k >= index) x->row = times(x->row, dims[k]);
    }
    x->stride = x->row;
}

static void make_slot(const assay_problem *p, const struct slot *s, assay_tensor *x)
{
    int64_t dims[3];
    const int rank = shape_of(p, s->shape, dims), stride = stride_of(p, s->id);
    memset(x, 0, sizeof *x);
    x->id = s->id;
    x->role = s->role;
    x->integer = s->integer;
    set_shape(x, rank, dims, s->index);
    if (stride) {
        x->stride = stride;
        x->count = times(times(dims[0], dims[1]), stride);
    }
    snprintf(x->name, sizeof x->name, "%s", s->name);
}

/* Name and shape of parameter `index`; its rank, or 0 if the problem lacks it. */
static int parameter(const assay_problem *p, int index, int64_t dims[2], char name[16])
{
    static const char *const rnn[] = {"W", "R", "b_ih", "b_hh", "P", "WP"};
    static const char *const head[] = {"embedding", "dense_W", "dense_b"};
    const assay_dialect *d = &p->dialect;
    const int q = index / ASSAY_RNN_PARAMS, which = index % ASSAY_RNN_PARAMS;
    if (index >= assay_param_head(p, 0)) {
        const int k = index - assay_param_head(p, 0);
        snprintf(name, 16, "%s", head[k]);
        dims[0] = k == ASSAY_EMBEDDING ? p->vocab : p->classes;
        dims[1] = k == ASSAY_EMBEDDING ? p->i : assay_output_width(p);
        if (k == ASSAY_EMBEDDING) return p->vocab > 0 ? 2 : 0;
        return k == ASSAY_DENSE_W ? 2 : p->dense_bias ? 1 : 0;
    }
    snprintf(name, 16, "%s.l%d.%c", rnn[which], q / p->directions, q % p->directions ? 'r' : 'f');
    dims[0] = (int64_t)assay_gates(d->cell) * p->h;
    dims[1] = which == ASSAY_W ? assay_layer_input(p, q / p->directions) : assay_state_width(p);
    if (which == ASSAY_B_IH) return d->biases == ASSAY_BIAS_ONE_INPUT || d->biases == ASSAY_BIAS_TWO;
    if (which == ASSAY_B_HH) return d->biases == ASSAY_BIAS_ONE_RECURRENT || d->biases == ASSAY_BIAS_TWO;
    if (which == ASSAY_PEEPHOLE) {
        dims[0] = (int64_t)3 * p->h;
        return d->peephole;
    }
    if (which == ASSAY_PROJECTION) {
        dims[0] = p->proj;
        dims[1] = p->h;
        return p->proj > 0 ? 2 : 0;
    }
    return 2;
}

static int has_family(const assay_problem *p, int family)
{
    if (family == ASSAY_PARAM) return 1;
    if (family == ASSAY_DPARAM) return (facts(p) & GRADIENT) != 0;
    if (p->op != ASSAY_OP_NETWORK) return 0;
    if (family == ASSAY_PARAM_1) return p->optimizer != ASSAY_OPT_NONE;
    return p->optimizer == ASSAY_OPT_ADAM;
}

static int make_member(const assay_problem *p, int family, int index, assay_tensor *x)
{
    int64_t dims[2];
    char name[16];
    const int rank = has_family(p, family) ? parameter(p, index, dims, name) : 0;
    if (!rank) return 0;
    memset(x, 0, sizeof *x);
    x->id = assay_tensor_id(family, index);
    x->role = families[family].role;
    set_shape(x, rank, dims, 1);
    snprintf(x->name, sizeof x->name, "%s%s%s", families[family].before, name, families[family].after);
    return 1;
}

int assay_tensors_of(const assay_problem *p, assay_tensor *out)
{
    const unsigned f = facts(p);
    int count = 0;
    for (size_t k = 0; k < sizeof slots / sizeof *slots; k++)
        if ((slots[k].ops & f) && (slots[k].need & f) == slots[k].need) make_slot(p, &slots[k], &out[count++]);
    for (int family = 0; family < ASSAY_FAMILIES; family++)
        for (int k = 0; k < assay_param_count(p); k++)
            count += make_member(p, family, k, &out[count]);
    return count;
}

int assay_tensor_find(const assay_problem *p, int id, assay_tensor *out)
{
    const unsigned f = facts(p);
    if (id >= ASSAY_SLOTS && id < ASSAY_TENSORS) {
        const int index = (id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS;
        if (index >= assay_param_count(p)) return 0;
        return make_member(p, (id - ASSAY_SLOTS) / ASSAY_MAX_PARAMS, index, out);
    }
    for (size_t k = 0; k < sizeof slots / sizeof *slots; k++)
        if (slots[k].id == id && (slots[k].ops & f) && (slots[k].need & f) == slots[k].need) {
            make_slot(p, &slots[k], out);
            return 1;
        }
    return 0;
}

int assay_tensor_by_name(const assay_problem *p, const char *name)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++)
        if (strcmp(list[k].name, name) == 0) return list[k].id;
    return -1;
}

/* Valid steps; of the whole row, or at most `limit` of each where limit > 0. */
static double steps(const assay_problem *p, const int32_t *lens, int limit)
{
    double sum = 0;
    for (int n = 0; n < p->n; n++) {
        const int len = lens ? lens[n] : p->t;
        sum += limit > 0 && len > limit ? limit : len;
    }
    return sum;
}

static double linear_macs(const assay_problem *p, const int32_t *lens)
{
    if (p->op != ASSAY_OP_NETWORK) return 0;
    const double rows = p->head == ASSAY_HEAD_LAST ? p->n : steps(p, lens, 0);
    return rows * p->classes * assay_output_width(p);
}

/* Every product of a layer once: `input` times those with W (T*N, I) (I, G*H), `state` times those with R and WP. */
static double layer_macs(const assay_problem *p, int layer, int input, int state)
{
    const double gates = (double)assay_gates(p->dialect.cell) * p->h * p->directions;
    const double projection = (double)p->proj * p->h * p->directions;
    return gates * ((double)input * assay_layer_input(p, layer) + (double)state * assay_state_width(p)) +
           state * projection;
}

double assay_macs_forward(const assay_problem *p, const int32_t *lens)
{
    double a_step = 0;
    if (assay_param_count(p) == 0) return 0;
    for (int l = 0; l < p->layers; l++)
        a_step += layer_macs(p, l, 1, 1);
    return a_step * steps(p, lens, 0) + linear_macs(p, lens);
}

double assay_macs_backward(const assay_problem *p, const int32_t *lens, int need_dx)
{
    double a_step = 0;
    if (assay_param_count(p) == 0) return 0;
    for (int l = 0; l < p->layers; l++)
        a_step += layer_macs(p, l, l > 0 || need_dx ? 2 : 1, 2);
    return a_step * steps(p, lens, p->dialect.bptt_steps) + 2 * linear_macs(p, lens);
}

/* A name from a table, "?" outside it. */
static const char *pick(const char *const *names, int count, int index)
{
    return index >= 0 && index < count ? names[index] : "?";
}

const char *assay_op_name(int op)
{
    static const char *const names[] = {"rnn", "xent", "ctc", "network"};
    return pick(names, 4, op);
}

const char *assay_cell_name(int cell)
{
    static const char *const names[] = {"lstm", "gru", "tanh", "relu"};
    return pick(names, 4, cell);
}

const char *assay_format_name(int format)
{
    static const char *const names[] = {"fp64", "fp32", "tf32", "bf16", "fp16"};
    return pick(names, 5, format);
}

double assay_unit_roundoff(int format)
{
    static const double u[] = {0x1p-53, 0x1p-24, 0x1p-11, 0x1p-8, 0x1p-11};
    return format >= 0 && format < 5 ? u[format] : 1;
}
