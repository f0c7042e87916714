/* protocol.h: what parent and worker say to each other: one request, one answer, over one SOCK_SEQPACKET socket.
 * SPDX-License-Identifier: MIT
 *
 * Both ends are built from the same tree, so structs go over as they are; the version catches a worker left over from
 * another build. Memory files travel with BIND (one for each tensor that is bound, in order) and OPEN (where the list
 * of libraries is written). */
#ifndef ASSAY_PROTOCOL_H
#define ASSAY_PROTOCOL_H

#include "conformance/session.h"

#include <stdint.h>

#define ASSAY_WIRE_MAGIC   0x41535359u
#define ASSAY_WIRE_VERSION 10
#define ASSAY_WIRE_CALLS   16
#define ASSAY_WIRE_BINDS   16 /* tensors, and memory files, of one request */
#define ASSAY_WIRE_NAME    24
#define ASSAY_WIRE_WHAT    192

/* How often each side looks whether the other has spoken, and lets somebody else go first, before it sleeps: some
 * 50 us. Most answers and most next requests come sooner, and to be woken costs more, on a virtual machine above all.
 */
#define ASSAY_WIRE_LOOKS 60

/* Where the worker finds its end of the socket. */
#define ASSAY_WIRE_SOCKET 3

typedef enum assay_wire_kind {
    ASSAY_WIRE_OPEN = 1, /* answers when the plugin is loaded, open() has returned and the sandbox is closed */
    ASSAY_WIRE_SUPPORTS,
    ASSAY_WIRE_PLAN,
    ASSAY_WIRE_BESIDE, /* one more plan and its blocks, beside the other */
    ASSAY_WIRE_TURN,   /* from now on BIND, RUN, GIVE and TAKE are about the other one of two plans */
    ASSAY_WIRE_PART,   /* frees the second plan, and asks the plugin to free NULL, which is to be nothing */
    ASSAY_WIRE_UNPLAN, /* drops the plan, its blocks and what was bound to it */
    ASSAY_WIRE_BIND,
    ASSAY_WIRE_RUN,
    ASSAY_WIRE_GIVE, /* on a device, before RUN: what is bound goes there */
    ASSAY_WIRE_TAKE, /* and after it: outputs come back, inputs and fences are looked at */
    ASSAY_WIRE_END,  /* closes the plugin; the answer is the last word */
    ASSAY_WIRE_FAULT /* only as an answer: a signal or a lost device is about to end the worker; `what` tells where */
} assay_wire_kind;

typedef struct assay_wire_head {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;     /* assay_wire_kind; an answer repeats its request's */
    uint64_t sequence; /* counts requests; an answer repeats its request's */
} assay_wire_head;

typedef struct assay_wire_binding {
    char name[ASSAY_WIRE_NAME];
    uint64_t bytes, map_bytes, offset; /* the tensor's; its file's; where it begins in there */
    int32_t id, input, present;        /* present 0: unbind, and no memory file comes with it */
} assay_wire_binding;

typedef struct assay_request {
    assay_wire_head head;
    assay_problem problem; /* SUPPORTS, PLAN, BESIDE */
    struct {
        int32_t threads, device;
    } open;
    int32_t placement; /* PLAN, BESIDE: assay_placement of the blocks */
    int32_t still;     /* 1: the worker is stopped between requests, and what it does there counts: it does not look */
    struct {
        assay_wire_binding list[ASSAY_WIRE_BINDS];
        int32_t count;
    } bind;
    struct {
        assay_call calls[ASSAY_WIRE_CALLS];
        int32_t count, repeat, step_stride;
    } run;
} assay_request;

typedef struct assay_answer {
    assay_wire_head head;
    int32_t status; /* assay_status */
    char what[ASSAY_WIRE_WHAT];
    struct {
        char name[48], version[192], loss_by[48], update_by[48];
        char full_rows[96];  /* reason of ASSAY_EXT_FULL_ROWS, or "" */
        char infer_only[96]; /* of ASSAY_EXT_INFER_ONLY */
        char device[112];    /* what the driver calls it; "" on the host */
        char untimed[96];    /* of ASSAY_EXT_UNTIMED */
        int32_t place, sandbox, allocates;
    } open;
    assay_arithmetic declared; /* SUPPORTS */
    assay_sizes sizes;         /* PLAN */
    char notes[400];           /* PLAN: the plugin's, or "" */
    struct {
        double seconds;
        int64_t allocations;
        int32_t failed, fp_changed;
    } run;
} assay_answer;

#endif
