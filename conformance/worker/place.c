/* place.c: where the plugin's memory lies: in mapped files and private pages, or in their twins on a device.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/mirror.h"
#include "conformance/worker/server.h"

#include <stdio.h>

/* A device that failed once stays so. */
static assay_status keep(assay_server *s, assay_status st)
{
    if (st == ASSAY_FAILED && !s->lost) s->lost = s->scene.doing;
    return st;
}

assay_status assay_server_open_place(assay_server *s, int ordinal, char *what)
{
    if (s->impl->place == ASSAY_HOST || s->device) return ASSAY_OK;
    if (s->impl->place == ASSAY_CUDA) return assay_device_open(ASSAY_DEVICE_LIBRARY, ordinal, &s->device, what);
    snprintf(what, ASSAY_WIRE_WHAT, "its table has place %d, which is no assay_place", s->impl->place);
    return ASSAY_BAD_ARGUMENT;
}

void *assay_server_data(const assay_server *s, int region)
{
    return s->device ? s->regions[region].device_data : s->regions[region].data;
}

void assay_server_release(assay_server *s, int region)
{
    if (s->device) assay_mirror_free(&s->regions[region], s->device);
    assay_region_free(&s->regions[region]);
}

assay_status assay_server_map(assay_server *s, int fd, const assay_wire_binding *b, char *what)
{
    assay_region *r = &s->regions[b->id];
    assay_status st = assay_region_file(r, fd, b);
    if (st != ASSAY_OK) snprintf(what, ASSAY_WIRE_WHAT, "%s: could not be mapped", b->name);
    if (st == ASSAY_OK && s->device) st = keep(s, assay_mirror_file(r, s->device, what));
    if (st != ASSAY_OK) assay_server_release(s, b->id);
    return st;
}

assay_status assay_server_block(assay_server *s, int block, const char *name, uint64_t bytes, assay_placement placement,
                                char *what)
{
    assay_region *r = &s->regions[ASSAY_BLOCK_0 + block];
    if (s->device) return keep(s, assay_mirror_block(r, s->device, name, bytes, placement, what));
    assay_status st = assay_region_block(r, name, bytes, placement);
    if (st != ASSAY_OK)
        snprintf(what, ASSAY_WIRE_WHAT, "no memory for a %s of %llu bytes", name, (unsigned long long)bytes);
    return st;
}

assay_status assay_server_poison(assay_server *s, int mask, char *what)
{
    assay_status st = ASSAY_OK;
    for (int b = 0; b < ASSAY_BLOCKS && st == ASSAY_OK; b++) {
        assay_region *r = &s->regions[ASSAY_BLOCK_0 + b];
        if (!(mask >> b & 1)) continue;
        if (s->device)
            st = keep(s, assay_mirror_poison(r, s->device, what));
        else
            assay_region_poison(r);
    }
    return st;
}

assay_status assay_server_settle(assay_server *s, assay_status so_far, char *what)
{
    if (s->device) {
        char failure[ASSAY_WIRE_WHAT];
        if (s->lost || keep(s, assay_device_wait(s->device, failure)) == ASSAY_OK) return so_far;
        snprintf(what, ASSAY_WIRE_WHAT, "%s", failure);
        return ASSAY_FAILED;
    }
    s->scene.doing = "the check of the blocks";
    for (int b = 0; b < ASSAY_BLOCKS; b++)
        if (assay_region_overrun(&s->regions[ASSAY_BLOCK_0 + b], what)) so_far = ASSAY_FAILED;
    return so_far;
}

assay_status assay_server_mark(assay_server *s, int end, char *what)
{
    return s->device ? keep(s, assay_device_mark(s->device, end, what)) : ASSAY_OK;
}

assay_status assay_server_elapsed(assay_server *s, double *seconds, char *what)
{
    return s->device ? keep(s, assay_device_elapsed(s->device, seconds, what)) : ASSAY_OK;
}

void assay_server_give(assay_server *s, assay_answer *a)
{
    assay_status st = ASSAY_OK;
    for (int k = 0; s->device && k < ASSAY_TENSORS && st == ASSAY_OK; k++)
        st = keep(s, assay_mirror_give(&s->regions[k], s->device, a->what));
    if (s->device && st == ASSAY_OK) st = keep(s, assay_device_sweep(s->device, a->what));
    /* Pages that the driver has yet to send would otherwise be overtaken by the plugin's stream. */
    if (s->device && st == ASSAY_OK) st = keep(s, assay_device_wait(s->device, a->what));
    a->status = (int32_t)st;
}

void assay_server_take(assay_server *s, assay_answer *a)
{
    char what[ASSAY_WIRE_WHAT];
    int found = 0;
    assay_status st = ASSAY_OK;
    for (int k = 0; s->device && k < ASSAY_REGIONS && st == ASSAY_OK; k++) {
        st = keep(s, assay_mirror_take(&s->regions[k], s->device, &found, what));
        if ((st != ASSAY_OK || found) && (st != ASSAY_OK || !a->what[0])) snprintf(a->what, sizeof a->what, "%s", what);
    }
    a->status = (int32_t)(a->what[0] ? ASSAY_FAILED : st);
}
