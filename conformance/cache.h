/* cache.h: truths and floors on disk, named by the hash of everything that they depend on, so that none is computed
 * twice. SPDX-License-Identifier: MIT */
#ifndef ASSAY_CACHE_H
#define ASSAY_CACHE_H

#include "conformance/oracle.h"

/* Fills truth (parts & 1) and floors (parts & 2) of *o if the folder q->cache holds them; 1 if so. A missing, damaged
 * or foreign file is 0. The name hashes problem, given tensors, step, roles, arithmetic, seed and the reference's
 * sources. */
int assay_cache_read(const assay_question *q, int parts, assay_oracle *o);

/* Writes, unless the truth is larger than 32 MB. A full disk is no error: the cache only saves time. */
void assay_cache_write(const assay_question *q, int parts, const assay_oracle *o);

#endif
