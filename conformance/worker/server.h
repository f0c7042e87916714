/* server.h: the state of a worker that serves, shared by serve.c (session) and calls.c (programs of calls).
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SERVER_H
#define ASSAY_SERVER_H

#include "conformance/worker/device.h"
#include "conformance/worker/fault.h"
#include "conformance/worker/worker.h"

/* Blocks follow the tensors in the table of regions; poison masks and assay_sizes have the same order. */
enum { ASSAY_BLOCKS = 4, ASSAY_BLOCK_0 = ASSAY_TENSORS, ASSAY_REGIONS = ASSAY_TENSORS + ASSAY_BLOCKS };

/* The one of two plans that is not spoken of, and all that belongs to it. */
typedef struct assay_aside {
    assay_plan *plan; /* NULL when there is none */
    assay_args args;
    assay_region regions[ASSAY_REGIONS];
} assay_aside;

typedef struct assay_server {
    const assay_impl *impl;
    const assay_worker_options *options;
    assay_ctx *ctx; /* NULL before OPEN */
    int opened;
    assay_plan *plan; /* NULL when there is none */
    int sandbox;
    int64_t allocations;  /* of the plugin, in the program of calls that runs */
    assay_device *device; /* NULL where the place is the host */
    const char *lost;     /* NULL, or in what the device was lost: nothing more can be asked of the plugin */
    assay_scene scene;
    assay_args args; /* pointers to what is bound and to the blocks */
    assay_region regions[ASSAY_REGIONS];
    assay_aside aside;
    int turned; /* 1: the second plan is spoken of, and the first one is aside */
} assay_server;

/* Fills the answer of a RUN request. */
void assay_server_run(assay_server *s, const assay_request *q, assay_answer *a);

/* Opens what the plugin's place needs: nothing, or a device. */
assay_status assay_server_open_place(assay_server *s, int ordinal, char *what);

/* A tensor's file, or a block, where the place wants it. What failed leaves nothing. */
assay_status assay_server_map(assay_server *s, int fd, const assay_wire_binding *b, char *what);
assay_status assay_server_block(assay_server *s, int block, const char *name, uint64_t bytes, assay_placement placement,
                                char *what);
void assay_server_release(assay_server *s, int region);

/* What a plugin is given for a region; NULL where there is none. */
void *assay_server_data(const assay_server *s, int region);

/* NaN into the blocks of a mask. */
assay_status assay_server_poison(assay_server *s, int mask, char *what);

/* Around the calls of a program, marks of the device's clock; after the wait the seconds between them replace those of
 * the host. On the host nothing happens. */
assay_status assay_server_mark(assay_server *s, int end, char *what);
assay_status assay_server_elapsed(assay_server *s, double *seconds, char *what);

/* After the calls of a program: the device has done its work, the slack of the host's blocks is whole. */
assay_status assay_server_settle(assay_server *s, assay_status so_far, char *what);

/* Fill the answers of GIVE and TAKE. */
void assay_server_give(assay_server *s, assay_answer *a);
void assay_server_take(assay_server *s, assay_answer *a);

/* Puts the data of tensor id (NULL when unbound) where the ABI has it. */
void assay_server_point(assay_server *s, int id);

/* Unbinds every tensor. */
void assay_server_unbind(assay_server *s);

/* A status that a plugin returned, ASSAY_FAILED where it's no status at all; one line in what[ASSAY_WIRE_WHAT] unless
 * it is ASSAY_OK, with the plugin's own reason where it has one. */
assay_status assay_server_status(const assay_server *s, int returned, const char *call, char *what);

/* What the plugin can say beyond its statuses, or NULL. */
const assay_explains *assay_server_explains(const assay_server *s);

#endif
