/* count.h: how often anything in the worker has allocated.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_COUNT_H
#define ASSAY_COUNT_H

#include <features.h>
#include <stdint.h>

/* Calls of malloc and kin so far, from any thread; any thread. */
int64_t assay_count_allocations(void);

/* 0 where they can't be counted: under a sanitizer, without glibc. */
int assay_count_works(void);

#endif
