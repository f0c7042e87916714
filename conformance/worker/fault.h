/* fault.h: when a signal ends the worker, the parent learns which call, which tensor and which byte.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_FAULT_H
#define ASSAY_FAULT_H

#include "conformance/worker/region.h"

#include <signal.h>

/* What a handler needs to know of the worker. `doing` and `sequence` change while it is watched. */
typedef struct assay_scene {
    int socket;
    uint64_t sequence;           /* of the request being served */
    const char *volatile doing;  /* "load", "plan", "run (backward)": static text */
    const assay_region *regions; /* may be NULL */
    int count;
} assay_scene;

/* Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGSYS on a stack of their own; they send one
 * ASSAY_WIRE_FAULT and let the signal have its way. The scene is watched until the process ends or another call.
 * Handlers that a library has put in their place are replaced by a second call. */
void assay_fault_watch(const assay_scene *scene);

/* One line on a signal: "SIGSEGV in run (train): write to input x: offset 4 of 72 bytes". context is the ucontext_t
 * that a handler gets. Async-signal-safe. */
void assay_fault_describe(const assay_scene *s, const siginfo_t *info, const void *context, char *what, size_t size);

#endif
