/* file.h: files are written whole or not at all, and read with a limit.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_FILE_H
#define ASSAY_FILE_H

#include "reference/problem.h"

#include <stddef.h>

/* Writes to a temporary file beside `path`, syncs it and renames it: afterwards `path` holds all of it, or what it
 * held before. Into a device or a pipe it writes directly. Otherwise ASSAY_FAILED and one line in why: path and reason
 * (a full disk, too). Any thread. */
assay_status assay_file_write(const char *path, const void *bytes, size_t size, char *why, size_t why_size);

/* Could assay_file_write() write there now? Makes the temporary file and removes it; a device or a pipe is only asked
 * for its rights. ASSAY_OK, or ASSAY_FAILED and one line in why, as above. Any thread. */
assay_status assay_file_probe(const char *path, char *why, size_t why_size);

/* Reads a file of at most `limit` bytes. *bytes is the caller's, to free(); a zero byte follows the content, and isn't
 * counted in *size. ASSAY_FAILED if it can't be read, ASSAY_BAD_ARGUMENT if it is longer or no ordinary file,
 * ASSAY_NO_MEMORY; then one line in why and *bytes is NULL. Any thread. */
assay_status assay_file_read(const char *path, size_t limit, char **bytes, size_t *size, char *why, size_t why_size);

/* A message that quotes what was read, fit for one line of a terminal: control characters become '?', in place. */
void assay_file_clean_message(char *why);

/* The folder that this program lies in, without a slash at its end; "" if the system does not say or it does not fit.
 * Any thread. */
void assay_program_folder(char *folder, size_t size);

#endif
