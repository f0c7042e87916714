/* worker.h: libassay_worker: the worker's side of a session, for any process that can offer an assay_impl.
 * SPDX-License-Identifier: MIT
 *
 * assay-worker uses it for shared objects; an interpreter that hosts a framework uses it through its foreign function
 * interface. One process serves one session, on one thread. */
#ifndef ASSAY_WORKER_H
#define ASSAY_WORKER_H

#include "impl/impl.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_worker_options {
    uint32_t struct_size; /* sizeof, as the caller was compiled */
    int32_t sandbox;      /* highest level wanted: 2 full, 1 what drivers and interpreters need, 0 none */
    int32_t guest;        /* 1: the process isn't a worker (a thread of a test): no signal handlers, no sandbox */
    int64_t (*allocations)(void); /* heap allocations of the process so far, any thread; NULL = they aren't counted */
} assay_worker_options;

/* First of all: the process dies with its parent, leaves no core, goes first where memory runs out, and has lowered its
 * limits on files, queues and priority. Never fails. */
ASSAY_EXPORT void assay_worker_settle(void);

/* As root: gives the process to a user that no other process is run by. 1 unless it is root still. */
ASSAY_EXPORT int assay_worker_drop_root(void);

/* Before foreign code is loaded: from here on a crash is reported through the socket, and what no plugin needs while
 * it loads (debugging, network, new programs) is forbidden as far as `sandbox` allows. Optional. Never fails. */
ASSAY_EXPORT void assay_worker_begin(int socket, const assay_worker_options *options);

/* Serves requests until the parent ends the session. impl is the caller's and outlives the call; all of its functions
 * are called on this thread. 0 after an orderly end, 1 if the device was lost: then the process has to end. -1 if the
 * other side isn't a parent of the same version. */
ASSAY_EXPORT int assay_worker_serve(int socket, const assay_impl *impl, const assay_worker_options *options);

/* Instead of serve(), where there is no impl: waits for the first request and refuses it with status and reason. */
ASSAY_EXPORT int assay_worker_refuse(int socket, assay_status status, const char *why);

#ifdef __cplusplus
}
#endif
#endif
