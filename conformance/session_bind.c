/* session_bind.c: tensors of the plan bound to shared memory, many by one request.
 * SPDX-License-Identifier: MIT */
#include "conformance/session_state.h"

#include <string.h>

static const assay_tensor *tensor_of(const assay_session *s, int id)
{
    for (int k = 0; s->planned && k < s->tensor_count; k++)
        if (s->tensors[k].id == id) return &s->tensors[k];
    return NULL;
}

/* One row of a BIND request. NULL, or why it is none of this plan. */
static const char *describe_binding(const assay_session *s, const assay_binding *b, assay_wire_binding *row)
{
    const assay_tensor *tensor = tensor_of(s, b->id);
    const assay_memory *m = b->memory;
    if (!s->planned) return "bind: there is no plan";
    if (!tensor) return "bind: the plan's problem has no such tensor";
    memcpy(row->name, tensor->name, sizeof row->name);
    row->id = b->id;
    if (!m) return NULL;
    size_t element = tensor->integer || s->problem.arithmetic != ASSAY_FP64 ? 4 : 8;
    if (m->bytes != (size_t)tensor->count * element) return "bind: memory is not of the tensor's size";
    row->bytes = m->bytes;
    row->map_bytes = m->map_bytes;
    row->offset = m->offset;
    row->input = m->input;
    row->present = 1;
    return NULL;
}

static assay_reply bind_some(assay_session *s, const assay_binding *list, int count)
{
    assay_request q;
    assay_answer a;
    int fds[ASSAY_WIRE_BINDS], files = 0;
    memset(&q, 0, sizeof q);
    q.bind.count = count;
    for (int k = 0; k < count; k++) {
        const char *why = describe_binding(s, &list[k], &q.bind.list[k]);
        if (why) return assay_session_refuse(why);
        if (list[k].memory) fds[files++] = list[k].memory->fd;
    }
    return assay_session_ask(s, &q, ASSAY_WIRE_BIND, fds, files, &a);
}

assay_reply assay_session_bind(assay_session *s, const assay_binding *list, int count)
{
    assay_reply r = {.outcome = ASSAY_ANSWERED, .status = ASSAY_OK};
    for (int k = 0; k < count && r.outcome == ASSAY_ANSWERED && r.status == ASSAY_OK; k += ASSAY_WIRE_BINDS)
        r = bind_some(s, list + k, count - k < ASSAY_WIRE_BINDS ? count - k : ASSAY_WIRE_BINDS);
    return r;
}
