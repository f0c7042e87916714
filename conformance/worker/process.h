/* process.h: the worker as a process, from the parent's side: started, listened to, ended.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PROCESS_H
#define ASSAY_PROCESS_H

#include "conformance/session.h"

#include <stdint.h>

enum { ASSAY_OUTPUT_KEPT = 96 }; /* bytes of what a worker printed that a message quotes */

typedef struct assay_process {
    int pid;                          /* 0: not a child of ours (a thread, a host started elsewhere) */
    int socket;                       /* ours to close; -1 when closed */
    int ended;                        /* pidfd: readable once the process has ended; -1 where the kernel has none */
    int output;                       /* its stdout and stderr; -1 when closed */
    int tasks;                        /* its folder of threads; -1 when unknown */
    int stopped;                      /* 1: it was told to stop, and not yet to go on */
    int64_t printed;                  /* bytes from `output` since the last assay_process_forget() */
    char text[ASSAY_OUTPUT_KEPT + 1]; /* their first line, printable */
} assay_process;

/* Starts the program (looked up in PATH if it has no '/') with a socket and the plugin's path; an interpreter gets
 * `script` before them, else script is NULL. 0, or an errno and nothing is left. The thread that calls must outlive
 * the worker, which dies with it. */
int assay_process_start(const char *program, const char *script, const char *plugin, int threads, assay_process *out);

/* Sends the message, and with it count descriptors, ASSAY_WIRE_BINDS at most. 0 if the other side has gone. */
int assay_process_send(assay_process *p, const void *message, size_t size, const int *fds, int count);

typedef enum assay_heard { ASSAY_HEARD_MESSAGE, ASSAY_HEARD_END, ASSAY_HEARD_NOTHING } assay_heard;

/* Waits up to so many seconds for a message of at most `size` bytes, and reads what is printed meanwhile. *got is the
 * message's true length. seconds 0: only looks. awake: keeps a processor busy for a moment before it sleeps, which must
 * not be where the worker is timed. */
assay_heard assay_process_hear(assay_process *p, void *message, size_t size, size_t *got, double seconds, int awake);

/* Takes in what has been printed by now. Called after the clock stopped. */
void assay_process_drain(assay_process *p);
void assay_process_forget(assay_process *p);

/* Stops all its threads (SIGSTOP), and waits until they stand still: 1; 0 if they don't. What has ended stands still.
 */
int assay_process_stop(assay_process *p);
void assay_process_continue(assay_process *p);
/* Seconds that all its threads have run so far, those that have ended too; exact while they stand still. -1: unknown.
 */
double assay_process_seconds(const assay_process *p);

int assay_process_threads(const assay_process *p); /* -1: unknown */

/* Bytes that it has in memory now, and the most so far; -1 where unknown. `restart`: the most counts from now on, where
 * the kernel allows it. */
assay_footprint assay_process_memory(const assay_process *p, int restart);

/* Waits up to `grace` seconds for the end, then kills, and reaps. The status as of waitpid(), or -1 if it is no child
 * of ours or had to be killed. Closes all descriptors. */
int assay_process_finish(assay_process *p, double grace);

#endif
