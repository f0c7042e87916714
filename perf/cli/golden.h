/* golden.h: a folder of golden vectors, each file compared with the reference: the part of `assay truth` that rests on
 * other people's programs.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CLI_GOLDEN_H
#define ASSAY_CLI_GOLDEN_H

#include <jansson.h>

typedef struct assay_golden_tally {
    int files, tensors;
    int beyond;     /* files with a tensor beyond its bound */
    int unreadable; /* files that are damaged, missing, not listed or without memory */
    json_t *rows;   /* one object a file; the caller's, to json_decref(); NULL: no memory */
} assay_golden_tally;

/* Compares every file that folder/MANIFEST lists (lines of sha256sum; # begins a comment) and prints one line a file
 * and one a source. A file whose hash is another, or that no line names, counts as unreadable. Stops at an interrupt.
 * Main thread. */
void assay_golden_folder(const char *folder, assay_golden_tally *out);

#endif
