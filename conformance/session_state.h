/* session_state.h: what the files of a session share: its state, one request, a refusal.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SESSION_STATE_H
#define ASSAY_SESSION_STATE_H

#include "conformance/session.h"
#include "conformance/worker/process.h"
#include "conformance/worker/protocol.h"
#include "reference/tensors.h"

struct assay_session {
    assay_process process;
    int alive;
    int still;       /* 1: stopped but while a request is answered */
    double answered; /* s of processor time when the clock around the last request was read */
    uint64_t sequence;
    double limit;                        /* s, for one request */
    char *plugin;                        /* as the caller wrote it */
    char *libraries;                     /* files mapped after open(), one a line */
    assay_problem problem;               /* of the plan */
    assay_tensor tensors[ASSAY_TENSORS]; /* of that problem */
    int planned, tensor_count;
    int turned; /* 1: a second plan is spoken of */
    struct {
        assay_problem problem;
        assay_tensor tensors[ASSAY_TENSORS];
        int tensor_count;
    } aside; /* of the plan that is not spoken of */
    assay_session_info info;
};

/* One request, with count descriptors, and its answer. seconds may be NULL; *a is valid if the outcome is
 * ASSAY_ANSWERED. */
assay_reply assay_session_exchange(assay_session *s, assay_request *q, assay_wire_kind kind, const int *fds, int count,
                                   assay_answer *a, double *seconds);

/* The same for the requests that return a reply and no timing: what was printed is told with the answer. */
assay_reply assay_session_ask(assay_session *s, assay_request *q, assay_wire_kind kind, const int *fds, int count,
                              assay_answer *a);

/* The same for a request in which a plan is made: a host may start an interpreter's machinery for it. */
assay_reply assay_session_ask_to_plan(assay_session *s, assay_request *q, assay_wire_kind kind, assay_answer *a);

/* Adds what the worker printed to the reply's line. */
void assay_session_add_printed(const assay_session *s, assay_reply *r);

/* ASSAY_BAD_ARGUMENT without a request. */
assay_reply assay_session_refuse(const char *what);

#endif
