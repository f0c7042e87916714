/* hash.h: SHA-256 of bytes and files, as sha256sum prints it; and a seed that nobody can guess.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HASH_H
#define ASSAY_HASH_H

#include "reference/problem.h"

#include <stddef.h>
#include <stdint.h>

enum { ASSAY_HEX = 65 }; /* 64 digits and the end */

/* Any thread; cannot fail. */
void assay_hash_bytes(const void *bytes, size_t size, char hex[ASSAY_HEX]);

/* Of a file's content. Hashes are kept for the life of the process, by device, inode, size and times of the file.
 * ASSAY_BAD_ARGUMENT and one line in why if it can't be read. Any thread. */
assay_status assay_hash_file(const char *path, char hex[ASSAY_HEX], char *why, size_t why_size);

/* 64 random bits from the kernel. Any thread; cannot fail. */
uint64_t assay_seed_fresh(void);

#endif
