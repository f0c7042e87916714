/* hosted.c: which interpreter, which script.
 * SPDX-License-Identifier: MIT */
#include "conformance/hosted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int assay_hosted_is(const char *plugin)
{
    const char *dot = strrchr(plugin, '.');
    return dot && !strcmp(dot, ".py");
}

const char *assay_hosted_interpreter(void)
{
    const char *chosen = getenv("ASSAY_PYTHON");
    return chosen && *chosen ? chosen : ASSAY_PYTHON;
}

void assay_hosted_script(const char *worker, char *script, size_t size)
{
    const char *slash = strrchr(worker, '/');
    int folder = slash ? (int)(slash - worker) : 0;
    snprintf(script, size, "%.*s/../lib/assay/python/host.py", folder ? folder : 1, folder ? worker : ".");
}
