/* hosted.h: plugins that are no shared objects: modules that an interpreter runs in the worker's place (impl/python).
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HOSTED_H
#define ASSAY_HOSTED_H

#include <stddef.h>

/* 1 if the plugin's name ends in ".py". */
int assay_hosted_is(const char *plugin);

/* The program that hosts this module. $ASSAY_PYTHON names it, or a folder of environments as ci/peers.sh makes it: then
 * FOLDER/NAME/bin/python, where NAME is the module's up to its end or its first '-'. What has none there is hosted by
 * the one that the build was configured with. */
void assay_hosted_interpreter(const char *plugin, char *program, size_t size);

/* The script that hosts modules: ../lib/assay/python/host.py, seen from the folder of assay-worker. */
void assay_hosted_script(const char *worker, char *script, size_t size);

#endif
