/* sandbox.h: which system calls the worker may make once foreign code runs in it.
 * SPDX-License-Identifier: MIT
 *
 * Levels. 2, native host plugins: memory, threads, clocks and the descriptors that are open; nothing else. 1, drivers
 * and interpreters: everything but debugging, network, new programs and the kernel's administration. 0: nothing is
 * forbidden. docs/threat-model.md says what that defends against. */
#ifndef ASSAY_SANDBOX_H
#define ASSAY_SANDBOX_H

/* Closes the sandbox for all threads of the process, for good. Returns the level that holds: `level`, or 0 where the
 * kernel, the machine or a sanitizer's runtime doesn't allow it. A higher level may follow a lower one. */
int assay_sandbox_close(int level);

/* Name of a system call that the filter knows, else NULL. Async-signal-safe. */
const char *assay_sandbox_call_name(int number);

#endif
