/* server.h: the state of a worker that serves, shared by serve.c (session) and calls.c (programs of calls).
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SERVER_H
#define ASSAY_SERVER_H

#include "conformance/worker/fault.h"
#include "conformance/worker/worker.h"

/* Blocks follow the tensors in the table of regions; poison masks and assay_sizes have the same order. */
enum { ASSAY_BLOCKS = 4, ASSAY_BLOCK_0 = ASSAY_TENSORS, ASSAY_REGIONS = ASSAY_TENSORS + ASSAY_BLOCKS };

typedef struct assay_server {
    const assay_impl *impl;
    const assay_worker_options *options;
    assay_ctx *ctx; /* NULL before OPEN */
    int opened;
    assay_plan *plan; /* NULL when there is none */
    int sandbox;
    assay_scene scene;
    assay_args args; /* pointers to what is bound and to the blocks */
    assay_region regions[ASSAY_REGIONS];
} assay_server;

/* Fills the answer of a RUN request. */
void assay_server_run(assay_server *s, const assay_request *q, assay_answer *a);

/* Puts the data of tensor id (NULL when unbound) where the ABI has it. */
void assay_server_point(assay_server *s, int id);

/* Unbinds every tensor. */
void assay_server_unbind(assay_server *s);

/* A status that a plugin returned, ASSAY_FAILED where it's no status at all; one line in what[ASSAY_WIRE_WHAT] unless
 * it is ASSAY_OK. */
assay_status assay_server_status(int returned, const char *call, char *what);

#endif
