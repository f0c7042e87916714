/* paths.h: are the files and folders of a command line fit for use? Asked before the work, not at its end.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PATHS_H
#define ASSAY_PATHS_H

#include <stddef.h>

/* Each returns -1 if all is well, else the exit status 2 after one line on stderr that names command, option and path.
 * What they try out leaves nothing behind. Any thread. */

/* A file that will be written. A lone dash is none, nor is it a folder: standard output has the text. */
int assay_path_output(const char *command, const char *option, const char *path);
/* An ordinary file that will be read. */
int assay_path_input(const char *command, const char *option, const char *path);
/* A folder that files will be written into: made now if only its last part is missing. */
int assay_path_folder(const char *command, const char *option, const char *path);
/* The same for what others on this machine are not to read. */
int assay_path_private(const char *command, const char *option, const char *path);
/* A folder that must be there already. */
int assay_path_store(const char *command, const char *option, const char *path);

/* Where the program's own things lie: ../<room>/assay/<kind> from its folder, in a build as where it is installed.
 * room is "lib" (plugins: impl, mutants), "share" (floors, golden, new) or "include", whose kind is NULL. folder takes
 * `size` bytes and is returned; "" if the system does not say where the program is. Any thread. */
char *assay_path_own(const char *room, const char *kind, char *folder, size_t size);

/* Where certificates are kept unless told: beside the folder of a program in a build of the user's own, else in his
 * cache ($XDG_CACHE_HOME or ~/.cache). folder as above; "" if there is neither. Any thread. */
char *assay_path_certificates(char *folder, size_t size);

/* The folder and those above it, as far as they are missing. 0, or -1 with errno. Any thread. */
int assay_path_make(const char *path);

/* A file that will be written, and one that will be read: they may not be one and the same. */
int assay_path_unread(const char *command, const char *option, const char *path, const char *read);
/* A file that will be written, and one that another option names. A device or a pipe may stand in several places. */
int assay_path_other(const char *command, const char *option, const char *path, const char *other, const char *named);

#endif
