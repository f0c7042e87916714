/* json.c: members of a JSON object.
 * SPDX-License-Identifier: MIT */
#include "perf/json.h"

#include <math.h>
#include <string.h>

json_t *assay_json_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

int assay_json_word(const json_t *of, const char *name, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(of, name));
    if (!text || strlen(text) >= size) return 0;
    strcpy(to, text);
    return 1;
}

int assay_json_flag(const json_t *of, const char *name, int *to)
{
    const json_t *v = json_object_get(of, name);
    *to = json_is_true(v);
    return json_is_boolean(v);
}
