/* text.h: a user's text as a stream of token ids, cut as d.ptb-lm's original cut the Penn Treebank.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TEXT_H
#define ASSAY_TEXT_H

#include "reference/problem.h"

#include <stddef.h>
#include <stdint.h>

enum { ASSAY_TEXT_WORDS = 9998, ASSAY_TEXT_START = 9998, ASSAY_TEXT_END = 9999, ASSAY_TEXT_UNKNOWN = 10000 };

typedef struct assay_text {
    int32_t *tokens; /* 0 .. 10000 */
    int64_t count;
    char hash[65]; /* sha256 of the file, hex, for the record */
} assay_text;

/* Words are split at white space and numbered by falling frequency (ties: first seen), at most 9,998 of them; a line's
 * end is <e> 9999; what is rarer is <unk> 10000. On anything but ASSAY_OK *out is empty and why holds one line.
 * The caller frees. */
assay_status assay_text_read(const char *path, assay_text *out, char *why, size_t why_size);
assay_status assay_text_parse(const char *bytes, size_t size, assay_text *out);
void assay_text_free(assay_text *t); /* an empty one is fine */

#endif
