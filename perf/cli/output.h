/* output.h: files that are written whole or not at all, and the interrupt that ends a run early with valid files.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_OUTPUT_H
#define ASSAY_OUTPUT_H

#include <jansson.h>
#include <stddef.h>

/* assay_file_write() with its error printed: 0 or 3. */
int assay_output_write(const char *path, const char *text, size_t size);

/* The same for a JSON value; consumes the reference, which may be NULL: no memory. */
int assay_output_json(const char *path, json_t *value);

/* A real number in JSON: null where it isn't finite. */
json_t *assay_output_real(double x);

/* Members that all our JSON files begin with: program, version, command, time, machine. NULL: no memory. */
json_t *assay_output_head(const char *command);

/* From now on the first SIGINT or SIGTERM only sets a flag; the second one kills. */
void assay_interrupt_watch(void);
int assay_interrupted(void);

/* The one line that says so, on stderr. */
void assay_interrupt_tell(const char *command);

#endif
