/* hosted.h: plugins that are no shared objects: modules that an interpreter runs in the worker's place (impl/python).
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HOSTED_H
#define ASSAY_HOSTED_H

#include <stddef.h>

/* 1 if the plugin's name ends in ".py". */
int assay_hosted_is(const char *plugin);

/* A program's path or name; never NULL. */
const char *assay_hosted_interpreter(void);

/* The script that hosts modules: ../lib/assay/python/host.py, seen from the folder of assay-worker. */
void assay_hosted_script(const char *worker, char *script, size_t size);

#endif
