/* names.c: is this name one of a list?
 * SPDX-License-Identifier: MIT */
#include "conformance/names.h"

#include <string.h>

int assay_names_hold(const char *list, char separator, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at; at = strchr(at, separator)) {
        at += *at == separator;
        if (!strncmp(at, name, n) && (at[n] == separator || at[n] == '\0')) return 1;
    }
    return 0;
}
