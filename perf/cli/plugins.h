/* plugins.h: which shared objects a command is about: names looked up beside the program, or paths as given.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PLUGINS_H
#define ASSAY_PLUGINS_H

#include "perf/cli/options.h"

#include <stddef.h>

#define ASSAY_MAX_PLUGINS 512

typedef struct assay_plugins {
    char *path[ASSAY_MAX_PLUGINS]; /* owned */
    char
        *label[ASSAY_MAX_PLUGINS]; /* as the user names it: a name of `assay list impls`, or the path as given; owned */
    int count;
} assay_plugins;

/* Every *.so, then every *.py, of the folders that hold plugins, sorted by name: those of $ASSAY_IMPL_PATH (separated
 * by colons), or
 * ../lib/assay/<kind> beside the program; kind is "impl" or "mutants" (then the variable is not looked at).
 * Folders that aren't there hold nothing. Returns 0, or 3 after an error (printed). Free with assay_plugins_free(). */
int assay_plugins_scan(const char *kind, assay_plugins *out);

/* The wanted ones: a name is looked up among those scanned, anything with a '/' is a path. None wanted: all scanned.
 * Returns -1 to go on, else the exit status after an error (printed): 2 for an unknown name or missing file. */
int assay_plugins_select(const assay_strings *wanted, assay_plugins *out);

/* Results go by the name that a plugin gives itself. -1 if all differ, else 2 after one line: the same file twice, or
 * two files of one name. Starts each in a worker where there are several; what can't be started is left to the command.
 */
int assay_plugins_distinct(const char *command, const assay_plugins *p);

void assay_plugins_free(assay_plugins *p);

/* The name of a plugin's file, without folder and ".so" or ".py". buffer >= 64 bytes. */
const char *assay_plugin_name(const char *path, char *buffer, size_t size);

#endif
