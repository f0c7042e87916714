/* hosted.c: which interpreter, which script.
 * SPDX-License-Identifier: MIT */
#include "conformance/hosted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int assay_hosted_is(const char *plugin)
{
    const char *dot = strrchr(plugin, '.');
    return dot && !strcmp(dot, ".py");
}

void assay_hosted_interpreter(const char *plugin, char *program, size_t size)
{
    const char *chosen = getenv("ASSAY_PYTHON"), *slash = strrchr(plugin, '/'), *name = slash ? slash + 1 : plugin;
    struct stat about;
    snprintf(program, size, "%s", chosen && *chosen ? chosen : ASSAY_PYTHON);
    if (stat(program, &about) != 0 || !S_ISDIR(about.st_mode)) return;
    for (size_t length = strcspn(name, "."); length; length = strcspn(name, "-")) {
        snprintf(program, size, "%s/%.*s/bin/python", chosen, (int)length, name);
        if (access(program, X_OK) == 0) return;
        if (strcspn(name, "-") >= length) break;
    }
    snprintf(program, size, "%s", ASSAY_PYTHON);
}

void assay_hosted_script(const char *worker, char *script, size_t size)
{
    const char *slash = strrchr(worker, '/');
    int folder = slash ? (int)(slash - worker) : 0;
    snprintf(script, size, "%.*s/../lib/assay/python/host.py", folder ? folder : 1, folder ? worker : ".");
}
