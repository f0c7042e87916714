/* waiting.h: how long a worker's threads stood in line for a processor.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_WAITING_H
#define ASSAY_WAITING_H

#include "conformance/worker/process.h"

/* Seconds that all threads it has now could have run but for want of a processor, so far, as the scheduler counts them;
 * -1 where the kernel does not tell. */
double assay_process_waited(const assay_process *p);

#endif
