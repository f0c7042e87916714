/* impl.h: the plugin ABI. A plugin is a shared object that exports one function, assay_impl_entry().
 * SPDX-License-Identifier: MIT
 *
 * Contract. The harness owns all memory: tensors, and the four blocks whose sizes the plan states. pack(), run() and
 * unpack() do not allocate after their first calls; run() starts no thread after its second. Nothing prints, exits,
 * raises signals or changes the floating-point environment. Pointers are aligned to their element size and no more,
 * unless said. Each context is used by one thread at a time; two contexts may be used by two threads at once.
 * Tensors: reference/problem.h gives every shape. A NULL cotangent is zero, a NULL output or gradient isn't wanted.
 * What lies past a row's length or behind a padded label string, and rows whose label is ignored, are not read: there
 * may be NaN, and numbers that are no index (docs/semantics.md 1.6 to 1.8). The documentation of this header for
 * authors is docs/adding-an-implementation.md. */
#ifndef ASSAY_IMPL_H
#define ASSAY_IMPL_H

#include "reference/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_ABI_VERSION 3u                                     /* of this header: docs/abi.md, "Changes" */
#define ASSAY_EXPORT      __attribute__((visibility("default"))) /* of the entry point, and of nothing else */

/* Where an implementation computes, and what its pointers point into, but for those to integers. */
typedef enum assay_place { ASSAY_HOST, ASSAY_CUDA } assay_place;

/* What run() is asked for. */
typedef enum assay_pass {
    ASSAY_INFER,     /* outputs only; nothing is kept, and `packed`, `grads` and `reserve` stay as they are: it may come
                        between TRAIN and BACKWARD, on other data. xent, ctc: losses. network: logits (and y) */
    ASSAY_TRAIN,     /* outputs, and into `reserve` whatever backward needs */
    ASSAY_LOSS_PASS, /* network: losses from the logits of the last TRAIN, and their gradient into `reserve`; may come
                        again with other labels, and then BACKWARD is of those */
    ASSAY_BACKWARD,  /* after TRAIN (network: TRAIN, LOSS_PASS) with the same inputs; may come twice with other
                        cotangents. Writes dx, dh0, dc0 to their tensors, parameter gradients to `grads`. Outputs may
                        hold anything by then: what it needs of them is in `reserve` */
    ASSAY_UPDATE,    /* network: one optimizer step on the parameters and moments in `packed`, from `grads`, which stay
                        as they are: another UPDATE steps by them again. Every pass after it, and after STEP, computes
                        at the new parameters, without another pack() */
    ASSAY_STEP       /* network: TRAIN, LOSS_PASS, BACKWARD, UPDATE as one; all that changed parameters need again
                        (own layouts, panels) is inside. Afterwards `grads` holds this step's gradients, whatever
                        `accumulate` is */
} assay_pass;

/* Bytes that the plan wants for each block, 0 allowed. All blocks are aligned to 64 bytes, in the plan's place,
 * filled with NaN before first use, live as long as the plan, and are private to it. */
typedef struct assay_sizes {
    uint64_t packed;    /* parameters in own layout, and moments of the optimizer: written by pack() */
    uint64_t grads;     /* parameter gradients in own layout: written by BACKWARD, read by unpack() */
    uint64_t workspace; /* scratch: content is lost between two calls */
    uint64_t reserve;   /* from TRAIN to BACKWARD; 0 is passed as NULL, and so for each block */
} assay_sizes;

/* Pointers for one call; the harness owns all of them. `real` is float, or double for ASSAY_FP64. Arrays of
 * parameters are indexed as problem.h states; members that a problem lacks, or that aren't wanted, are NULL. */
typedef struct assay_args {
    uint32_t struct_size; /* of this struct, as the harness knows it */
    int32_t accumulate;   /* BACKWARD: 0 overwrite grads, 1 add to them. dx, dh0, dc0 are always overwritten */
    int64_t step;         /* UPDATE, STEP: updates made before this one; Adam corrects with step + 1 */
    void *packed, *grads, *workspace, *reserve; /* the plan's blocks, each as large as assay_sizes says */
    /* integers are in host memory; where the place is not the host, the _dev ones hold copies there, else the same */
    const int32_t *ids, *lens, *labels, *label_lens;                 /* the slot of that name, on the host */
    const int32_t *ids_dev, *lens_dev, *labels_dev, *label_lens_dev; /* the slot of that name, in the plan's place */
    const void *x, *h0, *c0, *mask, *class_weights, *dy, *dhn, *dcn, *dloss;         /* given: the slot of that name */
    void *y, *hn, *cn, *logits, *loss_rows, *loss, *dx, *dh0, *dc0;                  /* wanted: the slot of that name */
    const void *param[ASSAY_MAX_PARAMS], *m[ASSAY_MAX_PARAMS], *v[ASSAY_MAX_PARAMS]; /* read by pack() only */
    void *dparam[ASSAY_MAX_PARAMS]; /* BACKWARD: non-NULL = wanted, not written; written by unpack() */
    void *param_1[ASSAY_MAX_PARAMS], *m_1[ASSAY_MAX_PARAMS], *v_1[ASSAY_MAX_PARAMS]; /* written by unpack() */
} assay_args;

typedef struct assay_ctx assay_ctx;   /* the implementation's: one a device */
typedef struct assay_plan assay_plan; /* the implementation's: descriptors for one problem, never tensors */
typedef void *assay_stream;           /* CUstream for ASSAY_CUDA, else NULL */

/* What a context is made for. */
typedef struct assay_open_args {
    uint32_t struct_size; /* of this struct, as the harness knows it */
    int32_t device;       /* ordinal, 0 for the host */
    int32_t threads;      /* host threads that run() may use in all, >= 1 */
} assay_open_args;

/* The table of an implementation; what is optional may be NULL. */
typedef struct assay_impl {
    uint32_t struct_size; /* sizeof(assay_impl) as the plugin was compiled; fields are only ever appended */
    uint32_t abi_version; /* ASSAY_ABI_VERSION; on a mismatch nothing else is read */
    const char *name;     /* [a-z0-9-]+, static */
    const char *version;  /* own and its libraries' versions, one line, static */
    int32_t place;        /* assay_place */

    /* Makes a context. ASSAY_NO_DEVICE: the device isn't there (SKIPPED). */
    assay_status (*open)(const assay_open_args *args, assay_ctx **out);
    void (*close)(assay_ctx *ctx); /* NULL is fine */

    /* ASSAY_OK and how it rounds, or ASSAY_UNSUPPORTED and a static reason. Declares; computes nothing. */
    assay_status (*supports)(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why);

    /* Makes a plan for a supported problem (copied, not kept) and states its sizes. Lengths and labels come later
     * and may differ from call to call, or be absent in one and there in the next. Heavy set-up (tuning, compiling)
     * belongs here. A context may have several plans at a time, whose calls come in any order: what one of them needs
     * from call to call stays, whatever the others run and whichever of them goes. */
    assay_status (*plan)(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes);
    void (*plan_free)(assay_plan *plan); /* NULL is fine */

    /* Canonical param, m, v -> packed. Called again after parameters or moments changed, and replaces all of it. xent,
     * ctc: may be NULL, never called. */
    assay_status (*pack)(assay_plan *plan, const assay_args *args, assay_stream stream);
    /* One pass. On CUDA: enqueues on `stream` and returns. */
    assay_status (*run)(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream);
    /* grads -> dparam; packed -> param_1, m_1, v_1, which right after pack() are param, m, v; each where not NULL.
     * xent, ctc: may be NULL. */
    assay_status (*unpack)(assay_plan *plan, const assay_args *args, assay_stream stream);

    /* An optional ability by id, or NULL; static. May itself be NULL. */
    const void *(*extension)(const char *id);
} assay_impl;

/* Id "assay.made-of/1": who computed what, for the record. Returned as const assay_made_of *. */
#define ASSAY_EXT_MADE_OF "assay.made-of/1"
/* What ASSAY_EXT_MADE_OF names. */
typedef struct assay_made_of {
    const char *loss_by, *update_by; /* "own", "impl/common/host", "cudnn" ... */
} assay_made_of;

/* Id "assay.waives/1": promises of run() that an implementation can't make, since it hosts a library or framework:
 * allocations are not held against it then, but stand in the record. Returned as const assay_waives *. */
#define ASSAY_EXT_WAIVES "assay.waives/1"
/* What ASSAY_EXT_WAIVES names. */
typedef struct assay_waives {
    int32_t allocations; /* 1: run() allocates in every call */
} assay_waives;

/* Id "assay.full-rows/1": recurrent layers take rows of length T only; cases and workloads with others are UNSUPPORTED.
 * Returned as const char *, the reason in one line. */
#define ASSAY_EXT_FULL_ROWS "assay.full-rows/1"

/* Id "assay.infer-only/1": INFER is the one pass; whatever needs another is UNSUPPORTED. Returned as const char *, the
 * reason in one line. */
#define ASSAY_EXT_INFER_ONLY "assay.infer-only/1"

/* Id "assay.explains/1": what a status and a plan can't say. Either may be NULL or return NULL; one line each.
 * Returned as const assay_explains *. */
#define ASSAY_EXT_EXPLAINS "assay.explains/1"
/* What ASSAY_EXT_EXPLAINS names. */
typedef struct assay_explains {
    const char *(*last)(void);                    /* why the last call was not ASSAY_OK; until the next call */
    const char *(*notes)(const assay_plan *plan); /* which algorithms it takes; until plan_free() */
} assay_explains;

/* The entry point: a static table. Called once, before anything else, on the thread that calls all others. */
ASSAY_EXPORT const assay_impl *assay_impl_entry(void);

#ifdef __cplusplus
}
#endif
#endif
