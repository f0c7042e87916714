/* panels.c: parameters in the order in which the products read them.
 * SPDX-License-Identifier: MIT */
#include "impl/cpu/cpu.h"

#include <string.h>

int cpu_units(const assay_problem *p)
{
    return assay_gates(p->dialect.cell) == 1 ? CPU_COLUMNS : CPU_GRAIN;
}

/* A parameter of the stack: canonical (G * H, wide), wide 1 for biases and peepholes, which have three gates. */
typedef struct shape {
    int64_t h, wide, panels, pitch;
    int units, gates, turned; /* turned: gate g stands at place (g + 1) mod G */
} shape;

/* 0 if parameter i is no matrix or bias of the stack. */
static int shape_of(const assay_problem *p, int i, shape *out)
{
    const int each = assay_param_rnn(p, 0, 1, 0) - assay_param_rnn(p, 0, 0, 0);
    const int stack = p->layers * p->directions * each, which = i % each, layer = i / each / p->directions;
    if (i >= stack) return 0;
    *out =
        (shape){.h = p->h, .units = cpu_units(p), .gates = which == ASSAY_PEEPHOLE ? 3 : assay_gates(p->dialect.cell)};
    out->panels = (p->h + out->units - 1) / out->units;
    out->wide = which == ASSAY_W ? assay_layer_input(p, layer) : which == ASSAY_R ? assay_state_width(p) : 1;
    out->turned = which == ASSAY_W && p->dialect.cell == ASSAY_GRU && p->dialect.gru_reset != ASSAY_RESET_BEFORE;
    if (which == ASSAY_PROJECTION)
        *out = (shape){.h = p->proj,
                       .units = CPU_GRAIN,
                       .gates = 1,
                       .wide = p->h,
                       .panels = (p->proj + CPU_GRAIN - 1) / CPU_GRAIN};
    out->pitch = cpu_pitch(cpu_kernel_tile(), (int64_t)out->gates * out->units);
    return 1;
}

static int64_t padded(const shape *s)
{
    return s->panels * s->units * s->gates * s->wide;
}

void cpu_layout_make(const assay_problem *p, assay_host_layout *out)
{
    shape s;
    assay_host_layout_make(p, out);
    out->total = 0;
    for (int i = 0; i < out->params; i++) {
        if (out->size[i] && shape_of(p, i, &s)) out->size[i] = padded(&s);
        out->offset[i] = out->total;
        out->total += (out->size[i] + 15) / 16 * 16;
    }
}

/* Calls for each run of units of one gate in one strip: where it is in the canonical matrix (column 0) and in the
 * packed one (row 0). */
typedef void run_work(int64_t n, int64_t wide, int64_t pitch, float *canonical, float *packed);

static void for_runs(const shape *s, float *canonical, float *packed, run_work *work)
{
    const int64_t columns = (int64_t)s->gates * s->units, most = s->units < s->pitch ? s->units : s->pitch;
    for (int64_t panel = 0; panel < s->panels; panel++, packed += columns * s->wide)
        for (int g = 0; g < s->gates; g++) {
            const int64_t first = panel * s->units, end = first + s->units < s->h ? first + s->units : s->h;
            const int64_t place = s->turned ? (g + 1) % s->gates : g;
            for (int64_t unit = first; unit < end; unit += most)
                work(end - unit < most ? end - unit : most, s->wide, s->pitch, canonical + (g * s->h + unit) * s->wide,
                     packed + cpu_column(s->pitch, s->wide, place * s->units + unit - first));
        }
}

static void put(int64_t n, int64_t wide, int64_t pitch, float *canonical, float *packed)
{
    for (int64_t k = 0; k < wide; k++)
        for (int64_t u = 0; u < n; u++)
            packed[k * pitch + u] = canonical[u * wide + k];
}

static void get(int64_t n, int64_t wide, int64_t pitch, float *canonical, float *packed)
{
    for (int64_t u = 0; u < n; u++)
        for (int64_t k = 0; k < wide; k++)
            canonical[u * wide + k] = packed[k * pitch + u];
}

static float *piece(const assay_host_layout *l, void *block, int which, int i)
{
    return (float *)block + which * l->total + l->offset[i];
}

assay_status cpu_pack(const assay_problem *p, const assay_host_layout *l, const assay_args *args)
{
    const void *const *from[3] = {args->param, args->m, args->v};
    shape s;
    for (int which = 0; which <= l->moments; which++)
        for (int i = 0; i < l->params; i++) {
            float *to = piece(l, args->packed, which, i);
            if (l->size[i] == 0) continue;
            if (which == 0 && !from[which][i]) return ASSAY_BAD_ARGUMENT;
            if (from[which][i] && !shape_of(p, i, &s)) {
                memcpy(to, from[which][i], l->size[i] * sizeof *to);
                continue;
            }
            memset(to, 0, l->size[i] * sizeof *to);
            if (from[which][i]) for_runs(&s, (float *)from[which][i], to, put);
        }
    return ASSAY_OK;
}

void cpu_unpack(const assay_problem *p, const assay_host_layout *l, const assay_args *args)
{
    void *const *to[4] = {args->param_1, args->m_1, args->v_1, args->dparam};
    shape s;
    for (int which = 0; which < 4; which++) {
        void *block = which == 3 ? args->grads : args->packed;
        if (!block || (which < 3 && which > l->moments)) continue;
        for (int i = 0; i < l->params; i++) {
            if (!l->size[i] || !to[which][i]) continue;
            float *from = piece(l, block, which == 3 ? 0 : which, i);
            if (shape_of(p, i, &s))
                for_runs(&s, to[which][i], from, get);
            else
                memcpy(to[which][i], from, l->size[i] * sizeof *from);
        }
    }
}
