/* json.h: members of a JSON object, as the files of this room have them.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PERF_JSON_H
#define ASSAY_PERF_JSON_H

#include <jansson.h>
#include <stddef.h>

/* A number; null where it isn't finite. NULL: no memory. */
json_t *assay_json_real(double x);

/* 1 if the member is what was expected: a string that fits, true or false. Else *to is worth nothing. */
int assay_json_word(const json_t *of, const char *name, char *to, size_t size);
int assay_json_flag(const json_t *of, const char *name, int *to);

#endif
