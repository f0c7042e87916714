/* mapped.h: which files are mapped into a worker, and one hash over all of them.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MAPPED_H
#define ASSAY_MAPPED_H

#include "conformance/hash.h"

/* Paths of the files mapped into process pid, one a line; the caller frees it. NULL if they can't be read. The process
 * stands still meanwhile: it waits for its next request. */
char *assay_mapped_list(int pid);

/* SHA-256 over the sorted SHA-256 of the files in the list; each counts once. "" if one can't be read. */
void assay_mapped_hash(const char *list, char hex[ASSAY_HEX]);

#endif
