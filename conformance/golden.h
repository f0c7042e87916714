/* golden.h: vectors that other frameworks computed, as files, and how far the reference lies from them.
 * SPDX-License-Identifier: MIT
 *
 * A file is safetensors: 8 bytes of header length (little endian), JSON, then the tensors. Its `__metadata__`:
 *   source, version, why   which program computed it, and with what function
 *   problem                a JSON object: members of assay_problem and assay_dialect by name; absent = 0
 *   bound                  normwise relative, "1e-13"; or "floor": the source computes in fp32, and is held to what
 *                          honest fp32 shows on this very problem (docs/tolerance.md 3.5, the rule for tensors)
 *   step                   optimizer updates made before this one; absent = 0
 * Tensors carry the names of tensors.h, F64 or I32, in our layout. What is wanted and not there is not compared. */
#ifndef ASSAY_GOLDEN_H
#define ASSAY_GOLDEN_H

#include "conformance/values.h"

#include <stddef.h>

typedef struct assay_golden {
    assay_problem p;
    int64_t step;
    double bound; /* 0: the floor */
    char source[32], version[32], why[192];
    assay_values values; /* given and wanted; only those of the file */
} assay_golden;

/* Reads a file. ASSAY_BAD_ARGUMENT if it is damaged, names a field, a tensor or a member that is not known here, or
 * holds an impossible problem; ASSAY_FAILED if it can't be read; ASSAY_NO_MEMORY. Then one line in why, and *out is
 * empty. Any thread. */
assay_status assay_golden_read(const char *path, assay_golden *out, char *why, size_t why_size);
void assay_golden_free(assay_golden *g); /* an empty one is fine */

/* One wanted tensor. It agrees if error <= bound (a NaN doesn't). */
typedef struct assay_golden_difference {
    const char *tensor;  /* lives for the call */
    double error, bound; /* |reference - golden| / |golden|, 2-norms; infinite where only one of them is finite */
} assay_golden_difference;

typedef void (*assay_golden_sink)(void *user, const assay_golden_difference *d);

/* Runs the reference on what is given and hands each wanted tensor of the file to sink, in order of id.
 * ASSAY_BAD_ARGUMENT if a tensor that the problem needs is not there, ASSAY_NO_MEMORY; then one line in why. A floor
 * uses all cores; main thread. */
assay_status assay_golden_compare(const assay_golden *g, assay_golden_sink sink, void *user, char *why,
                                  size_t why_size);

#endif
