/* worlds_inputs.c: the same function of other inputs: some ignored, counted twice, or left from a call before.
 * SPDX-License-Identifier: MIT */
#include "conformance/asked.h"

int assay_world_input(assay_asked *a, int variant)
{
    static const struct {
        int id;
        double becomes;
        const char *words;
    } inputs[] = {{ASSAY_H0, 0, "h0 taken as zero"},
                  {ASSAY_C0, 0, "c0 taken as zero"},
                  {ASSAY_DY, 0, "dy taken as zero"},
                  {ASSAY_DHN, 0, "dhn taken as zero"},
                  {ASSAY_DCN, 0, "dcn taken as zero"},
                  {ASSAY_X, 0, "x taken as zero"},
                  {ASSAY_DLOSS, 1, "dloss taken as 1"},
                  {ASSAY_CLASS_WEIGHTS, 1, "class weights taken as 1"},
                  {ASSAY_MASK, 1, "the dropout mask taken as all ones"}};
    if (variant >= (int)(sizeof inputs / sizeof *inputs)) return ASSAY_WORLD_LAST;
    assay_tensor x;
    double *v = assay_asked_own(a, inputs[variant].id, &x);
    for (int64_t e = 0; v && e < x.count; e++)
        v[e] = inputs[variant].becomes;
    assay_asked_say(a, "the truth with %s", inputs[variant].words);
    return v ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

int assay_world_no_state(assay_asked *a, int variant)
{
    if (variant > 0) return ASSAY_WORLD_LAST;
    if (!a->given.at[ASSAY_H0] || !a->given.at[ASSAY_C0]) return ASSAY_WORLD_NONE;
    a->given.at[ASSAY_H0] = a->given.at[ASSAY_C0] = NULL;
    assay_asked_say(a, "the truth with h0 and c0 taken as zero");
    return ASSAY_WORLD_MADE;
}

/* The final state of the same call as its initial one. */
int assay_world_carried(assay_asked *a, int variant)
{
    if (variant > 1) return ASSAY_WORLD_LAST;
    if (a->s->p->op != ASSAY_OP_RNN || !a->s->o->truth.at[ASSAY_HN]) return ASSAY_WORLD_NONE;
    if (!a->given.at[ASSAY_H0]) a->given.at[ASSAY_H0] = a->s->o->truth.at[ASSAY_HN];
    if (!a->given.at[ASSAY_C0] && variant) a->given.at[ASSAY_C0] = a->s->o->truth.at[ASSAY_CN];
    assay_asked_say(a, "the truth with the state carried over from the call before");
    return ASSAY_WORLD_MADE;
}

int assay_world_upstream(assay_asked *a, int variant)
{
    assay_tensor x;
    if (variant > 0) return ASSAY_WORLD_LAST;
    double *v = assay_asked_own(a, ASSAY_DLOSS, &x);
    for (int64_t e = 1; v && e < x.count; e++)
        v[e] = v[0];
    assay_asked_say(a, "the truth with the first dloss taken for all");
    return v && x.count > 1 ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

/* Parameters of all layers, whole or one gate of them, left out or counted twice. */
int assay_world_parameter(assay_asked *a, int variant)
{
    static const char *const names[] = {"W", "R", "b_ih", "b_hh", "peepholes"};
    const assay_problem *p = a->s->p;
    const int gates = assay_gates(p->dialect.cell), which = variant / 10, gate = variant % 10 / 2 - 1;
    const double factor = variant % 2 * 2;
    if (which > ASSAY_PEEPHOLE) return ASSAY_WORLD_LAST;
    if (!assay_asked_is_stack(a) || gate >= gates || (gate >= 3 && which == ASSAY_PEEPHOLE) ||
        (gates == 1 && gate == 0))
        return ASSAY_WORLD_NONE;
    int changed = 0;
    for (int q = 0; q < p->layers * p->directions; q++) {
        assay_tensor x;
        double *v = assay_asked_own(a, assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + which), &x);
        const int64_t slice = v ? x.count / (which == ASSAY_PEEPHOLE ? 3 : gates) : 0;
        for (int64_t e = 0; v && e < x.count; e++)
            if (gate < 0 || e / slice == gate) v[e] *= factor;
        changed |= v != NULL;
    }
    if (gate < 0)
        assay_asked_say(a, "the truth with %s %s", names[which], factor ? "counted twice" : "left out");
    else
        assay_asked_say(a, "the truth with %s of gate %s %s", names[which],
                        assay_gate_letter(p, gate, which == ASSAY_PEEPHOLE), factor ? "counted twice" : "left out");
    return changed ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

/* The weights as they were packed first, whatever steps came since. */
int assay_world_stale(assay_asked *a, int variant)
{
    int changed = 0;
    if (variant > 0) return ASSAY_WORLD_LAST;
    for (int k = 0; a->s->subject && k < ASSAY_MAX_PARAMS; k++) {
        const int id = assay_tensor_id(ASSAY_PARAM, k);
        void *first = a->s->subject->given.at[id];
        changed |= first != a->given.at[id];
        if (first) a->given.at[id] = first;
    }
    assay_asked_say(a, "the truth with the parameters as they were before the steps");
    return changed ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}
