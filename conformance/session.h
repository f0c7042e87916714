/* session.h: one worker process with one plugin in it, as the parent sees it. The parent never loads a plugin.
 * SPDX-License-Identifier: MIT
 *
 * Tensors are memory files that the parent makes and the worker maps (memfd; inputs sealed against writing), each
 * between two guard pages in the worker. A session that died or ran out of time is dead: the caller starts another. */
#ifndef ASSAY_SESSION_H
#define ASSAY_SESSION_H

#include "impl/impl.h"

#include <stddef.h>
#include <stdint.h>

/* ---- memory ---- */

/* Where in its pages a tensor lies. START: 64-byte aligned, the slack behind it holds canaries. END: flush with the
 * guard page behind it, aligned to its element size only, the slack in front holds canaries. ODD_4, ODD_8: so many
 * bytes behind the start, aligned to that and to no more, whatever the size, with canaries on both sides; blocks as
 * START. */
typedef enum assay_placement {
    ASSAY_PLACE_START,
    ASSAY_PLACE_END,
    ASSAY_PLACE_ODD_4,
    ASSAY_PLACE_ODD_8
} assay_placement;

typedef struct assay_memory {
    int fd;               /* -1 when empty */
    unsigned char *map;   /* the parent's mapping, read-write */
    size_t map_bytes;     /* whole pages */
    size_t bytes, offset; /* the tensor inside the mapping */
    int input;            /* sealed: the worker can map it for reading only */
} assay_memory;

/* Makes a tensor of so many bytes (0 is fine: one page of canaries), filled with 0xFF bytes (NaN), slack with canaries.
 * ASSAY_NO_MEMORY if the kernel gives none. The caller frees it. */
assay_status assay_memory_make(size_t bytes, assay_placement place, int input, assay_memory *out);
void assay_memory_free(assay_memory *m); /* an empty one is fine */
void *assay_memory_data(const assay_memory *m);
void assay_memory_poison(assay_memory *m); /* data back to 0xFF, slack back to canaries */
/* -1 intact, else where the slack was written, nearest to the data: the offset from the data's start if it is behind
 * the data (>= bytes), or -1 - d if it is d bytes before its start (<= -2). */
int64_t assay_memory_canary_broken(const assay_memory *m);

/* ---- the worker ---- */

typedef enum assay_outcome {
    ASSAY_ANSWERED, /* look at status */
    ASSAY_DIED,     /* a signal or an exit: what says which, and where a fault lay ("SIGSEGV reading 4 bytes past x") */
    ASSAY_TIMED_OUT, /* killed at its time limit */
    ASSAY_MUTE,      /* answered something that is not the protocol */
    ASSAY_UNSTARTED  /* there is no worker: the plugin had no part in it */
} assay_outcome;

typedef struct assay_reply {
    assay_outcome outcome;
    assay_status status; /* of the plugin's call, when ANSWERED */
    int signal;          /* when DIED by one */
    char what[192];      /* one line, "" when all is well; also where the worker printed */
} assay_reply;

typedef struct assay_session assay_session;

/* For a program that holds truths and seeds, once, before it starts workers: other processes of its user can't read
 * its memory from then on, and it leaves no core file. */
void assay_parent_seal(void);

typedef struct assay_session_options {
    int32_t threads; /* for assay_open_args; >= 1 */
    int32_t device;
    double time_limit;  /* seconds for any one request; assay_session_limit() changes it. A host may plan for longer */
    const char *worker; /* path of assay-worker; NULL = beside this program */
} assay_session_options;

/* A plugin whose name ends in .py is a module for the host of impl/python, and the worker a Python interpreter:
 * $ASSAY_PYTHON, else the one that the build was configured with. Where it or the module's framework is missing the
 * status is ASSAY_NO_DEVICE.
 * Starts a worker, loads the plugin, checks ABI and open(). On anything but ANSWERED+ASSAY_OK *out is NULL and nothing
 * is left. reply.what names file and reason ("./x.so: has no entry point assay_impl_entry, which every plugin
 * exports"). status ASSAY_BAD_ARGUMENT: not a plugin; ASSAY_NO_DEVICE: nothing to run on; ASSAY_FAILED: its file
 * was replaced meanwhile, or open() failed. The calling thread must
 * outlive the session: the worker is killed when that thread ends. One thread a session. */
assay_reply assay_session_start(const char *plugin, const assay_session_options *o, assay_session **out);
void assay_session_end(assay_session *s); /* NULL and dead ones are fine; reaps the process */

typedef struct assay_session_info {
    char name[48], version[192], loss_by[48], update_by[48];
    char full_rows[96];  /* why recurrent layers take rows of length T only; "" = they take any */
    char infer_only[96]; /* why it has no pass but INFER; "" = it has all */
    char device[112];    /* the driver's words for it: "NVIDIA H200, compute 9.0, driver 13.0"; "" on the host */
    char notes[400];     /* of the last plan, in the plugin's words: which algorithms it takes; "" if it says nothing */
    char untimed[96];    /* why it is never timed; "" = it may be */
    int32_t place;
    int32_t sandbox;      /* 2 full, 1 weaker, 0 none: as the worker reports it */
    int32_t allocates;    /* 1: declares that run() allocates in every call */
    char plugin_hash[65]; /* sha256 of the plugin's file, hex */
    char mapped_hash[65]; /* sha256 over the sorted (hash) list of every library mapped into the worker; "" before
                             assay_session_libraries(), which takes a second for 150 MB that it hasn't met before */
} assay_session_info;
const assay_session_info *assay_session_about(const assay_session *s);
/* Hashes every file that was mapped into the worker after open(), at the first call, and fills info.mapped_hash;
 * returns it. "" if a file couldn't be read: then no certificate can name what ran. */
const char *assay_session_libraries(assay_session *s);
/* A session with a worker that serves the other end of `socket` already and isn't a child: a thread of a test, a host
 * started by another. `name` is what messages call it. The socket is the session's from here on. */
assay_reply assay_session_adopt(int socket, const char *name, const assay_session_options *o, assay_session **out);
int assay_session_alive(const assay_session *s);
void assay_session_limit(assay_session *s, double seconds);

/* What the worker has in memory, bound tensors and its own libraries included: now, and the most since the last call
 * with restart = 1 (where the kernel refuses that: since its start). Bytes; -1 where unknown. */
typedef struct assay_footprint {
    int64_t now, most;
} assay_footprint;
assay_footprint assay_session_memory(const assay_session *s, int restart);

/* 1: from now on all threads of the worker are stopped (SIGSTOP) but while it answers a request, and have come to a
 * stand when one returns: what they would do unasked, they don't. A request lies there before they go on, so that
 * nothing runs outside of its clock. 0 lets them go on. Returns 0 if they don't stop within ten seconds. */
int assay_session_still(assay_session *s, int on);
/* Seconds that all threads of the worker have run so far; exact while they are stopped. -1: unknown. */
double assay_session_processor(const assay_session *s);
/* The same as it was when the clock around the last request was read, before the worker was told to stop. */
double assay_session_processor_at_answer(const assay_session *s);
/* Seconds that the threads of the worker, those that it has now, have stood in line for a processor so far. -1:
 * unknown. It reads a file of each thread, which takes as long as a small request: where something is timed alone. */
double assay_session_in_line(const assay_session *s);

/* why of a refusal that came without one. */
#define ASSAY_NO_REASON "no reason given"
assay_reply assay_session_supports(assay_session *s, const assay_problem *p, assay_arithmetic *declared, char *why,
                                   size_t why_size);
/* Replaces the session's plan. The four blocks are made in the worker, guarded, exact in size, filled with NaN. */
assay_reply assay_session_plan(assay_session *s, const assay_problem *p, assay_placement place, assay_sizes *sizes);

/* A second plan beside the session's, with blocks of its own; it goes with the first at the latest. p is copied.
 * ASSAY_UNSUPPORTED: supports() refused. ASSAY_BAD_ARGUMENT: there is no plan, or a second one already. */
assay_reply assay_session_beside(assay_session *s, const assay_problem *p, assay_placement placement);
/* What is bound and run from here on is the other plan's. ASSAY_BAD_ARGUMENT: there is one alone. */
assay_reply assay_session_turn(assay_session *s);
/* Frees the second plan; the session's is spoken of again. plan_free() and close() are also called with NULL.
 * ASSAY_BAD_ARGUMENT: there is one alone. */
assay_reply assay_session_part(assay_session *s);

/* Drops the plan, a second one, their blocks and what is bound: their memory is free until another plan. */
assay_reply assay_session_unplan(assay_session *s);

/* A tensor of the current plan (id: tensors.h) and its memory; NULL unbinds it. */
typedef struct assay_binding {
    int id;
    const assay_memory *memory;
} assay_binding;

/* Binds count tensors. The worker maps each until it is rebound, or the plan goes; the memory stays the caller's and
 * may be freed afterwards. After an error, which names one that can't be bound, those before it may be and those behind
 * it are not. */
assay_reply assay_session_bind(assay_session *s, const assay_binding *list, int count);

/* One call in a program. */
typedef enum assay_call_kind {
    ASSAY_CALL_PACK,
    ASSAY_CALL_RUN,
    ASSAY_CALL_UNPACK,
    ASSAY_CALL_POISON, /* `what`: bit mask of blocks to refill with NaN: 1 packed 2 grads 4 workspace 8 reserve */
    ASSAY_CALL_UNBIND_ALL
} assay_call_kind;
typedef struct assay_call {
    int32_t kind;       /* assay_call_kind */
    int32_t pass;       /* assay_pass, for RUN */
    int32_t accumulate; /* for RUN of BACKWARD */
    int32_t what;       /* for POISON */
    int64_t step;       /* for RUN of UPDATE, STEP: of the first repetition; each repetition adds `step_stride` */
} assay_call;

typedef struct assay_timing {
    double seconds;        /* the parent's clock around the request: what counts */
    double worker_seconds; /* the worker's own clock around the same calls, on a device that of the device: a
                              cross-check */
    double cpu_seconds;    /* processor time of the worker in that while, all its threads, as the parent sees it, and
                              until they stood still; -1: unknown */
    int64_t allocations;   /* heap allocations (calls of malloc and kin) during the request, in the worker; -1: they
                              can't be counted there (sanitizers, hosts) */
    int32_t threads;       /* of the worker process, after the request; -1: unknown */
    int32_t fp_changed;    /* 1: rounding mode, FTZ or DAZ differ from those that a process starts with */
    int64_t printed;       /* bytes that came out of the worker's stdout and stderr since the last timing */
    double waited_seconds; /* that its threads stood in line for a processor in that while, all together; -1: unknown,
                              as assay_session_run() leaves it: it takes two of assay_session_in_line() */
} assay_timing;

/* Runs calls[0..count) in order, the whole `repeat` times, in one request. Stops at the first that is not ASSAY_OK: its
 * status is the reply's, its index in *failed if failed isn't NULL (-1 if all are well). Canaries of the four blocks
 * are checked by the worker after the request: DIED-like report: outcome ANSWERED, status ASSAY_FAILED, what =
 * "workspace: wrote past...". timing may be NULL. count <= 16. */
assay_reply assay_session_run(assay_session *s, const assay_call *calls, int count, int repeat, int step_stride,
                              int *failed, assay_timing *timing);

#endif
