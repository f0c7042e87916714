/* units.c: hidden units that change places, in every tensor that has them.
 * SPDX-License-Identifier: MIT */
#include "conformance/units.h"

#include <string.h>

/* What an index of a tensor counts: units of H or of the hidden state (S) in whole blocks of gates or directions, or
 * something that has no units. */
typedef enum counted { NO_UNITS, CELLS, STATES } counted;

typedef struct axes {
    counted row, column;
} axes;

static axes axes_of(const assay_problem *p, int id)
{
    static const axes parameters[ASSAY_RNN_PARAMS] = {
        [ASSAY_W] = {CELLS, STATES},      [ASSAY_R] = {CELLS, STATES},          [ASSAY_B_IH] = {CELLS, NO_UNITS},
        [ASSAY_B_HH] = {CELLS, NO_UNITS}, [ASSAY_PEEPHOLE] = {CELLS, NO_UNITS}, [ASSAY_PROJECTION] = {STATES, CELLS}};
    if (id >= ASSAY_SLOTS) {
        const int k = (id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS;
        axes a = parameters[k % ASSAY_RNN_PARAMS];
        if (k % ASSAY_RNN_PARAMS == ASSAY_W && k / ASSAY_RNN_PARAMS < p->directions) a.column = NO_UNITS; /* reads x */
        return a;
    }
    switch (id) {
    case ASSAY_H0:
    case ASSAY_DHN:
    case ASSAY_HN:
    case ASSAY_DH0:
    case ASSAY_Y:
    case ASSAY_DY:
    case ASSAY_MASK:
        return (axes){NO_UNITS, STATES};
    case ASSAY_C0:
    case ASSAY_DCN:
    case ASSAY_CN:
    case ASSAY_DC0:
        return (axes){NO_UNITS, CELLS};
    default:
        return (axes){NO_UNITS, NO_UNITS};
    }
}

/* Two units that change places, by what is counted. */
typedef struct exchange {
    int width[3], a[3], b[3]; /* by counted */
} exchange;

static int64_t place(const exchange *e, counted c, int64_t index)
{
    if (c == NO_UNITS) return index;
    const int64_t unit = index % e->width[c], block = index - unit;
    return block + (unit == e->a[c] ? e->b[c] : unit == e->b[c] ? e->a[c] : unit);
}

static void exchange_units(const assay_problem *p, const exchange *e, const assay_tensor *x, const double *from,
                           double *to)
{
    const axes a = axes_of(p, x->id);
    const int64_t columns = x->row, rows = x->count / x->stride;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < columns; k++)
            to[place(e, a.row, r) * x->stride + place(e, a.column, k)] = from[r * x->stride + k];
}

void assay_units_exchange(const assay_problem *p, int a, int b, const assay_values *from, assay_values *to)
{
    const exchange e = {{1, p->h, assay_state_width(p)}, {0, a, a}, {0, b, b}};
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        if (!from->at[x->id])
            assay_values_drop(to, x->id);
        else if (to->at[x->id] && x->integer)
            memcpy(to->at[x->id], from->at[x->id], (size_t)x->count * sizeof(int32_t));
        else if (to->at[x->id])
            exchange_units(p, &e, x, from->at[x->id], to->at[x->id]);
    }
}
