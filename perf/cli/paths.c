/* paths.c: trying files and folders out.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/paths.h"
#include "conformance/file.h"
#include "perf/cli/command.h"
#include "perf/cli/print.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *command, const char *option, const char *path, const char *what)
{
    assay_print_error("%s: --%s %s: %s", command, option, path, what);
    return ASSAY_EXIT_USAGE;
}

/* The folder above the program's; "" if the system does not say. */
static char *base(char *folder, size_t size)
{
    assay_program_folder(folder, size);
    char *up = strrchr(folder, '/');
    folder[up ? up - folder : 0] = '\0';
    return folder;
}

char *assay_path_own(const char *room, const char *kind, char *folder, size_t size)
{
    char up[PATH_MAX];
    if (!*base(up, sizeof up) ||
        snprintf(folder, size, "%s/%s/assay%s%s", up, room, kind ? "/" : "", kind ? kind : "") >= (int)size)
        *folder = '\0';
    return folder;
}

char *assay_path_certificates(char *folder, size_t size)
{
    char up[PATH_MAX], mark[PATH_MAX + 16];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = 0;
    snprintf(mark, sizeof mark, "%s/CMakeCache.txt", base(up, sizeof up));
    if (*up && access(mark, W_OK) == 0) /* a build of one's own; that of another user is as an installed program */
        length = snprintf(folder, size, "%s/certificates", up);
    else if (cache && *cache == '/')
        length = snprintf(folder, size, "%s/assay/certificates", cache);
    else if (home && *home == '/')
        length = snprintf(folder, size, "%s/.cache/assay/certificates", home);
    if (length <= 0 || (size_t)length >= size) *folder = '\0';
    return folder;
}

int assay_path_make(const char *path)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) return errno = ENAMETOOLONG, -1;
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') continue;
        *at = '\0';
        if (mkdir(part, 0755) && errno != EEXIST) return -1;
        *at = '/';
    }
    return mkdir(part, 0755) && errno != EEXIST ? -1 : 0;
}

static int is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Other programs mean standard output by it, and nobody a file of that name. */
static int is_dash(const char *command, const char *option, const char *path, const char *expected)
{
    if (strcmp(path, "-") != 0) return 0;
    assay_print_error("%s: --%s -: expected %s: standard output has the text (./- is a name)", command, option,
                      expected);
    return 1;
}

int assay_path_output(const char *command, const char *option, const char *path)
{
    char why[PATH_MAX + 128];
    if (is_dash(command, option, path, "a file")) return ASSAY_EXIT_USAGE;
    if (assay_file_probe(path, why, sizeof why) == ASSAY_OK) return -1;
    assay_print_error("%s: --%s %s", command, option, why); /* why begins with the path */
    return ASSAY_EXIT_USAGE;
}

int assay_path_other(const char *command, const char *option, const char *path, const char *other, const char *named)
{
    struct stat st;
    if (strcmp(path, named) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) return -1;
    assay_print_error("%s: --%s %s: --%s names the same file, expected another", command, option, path, other);
    return ASSAY_EXIT_USAGE;
}

int assay_path_unread(const char *command, const char *option, const char *path, const char *read)
{
    struct stat out, in;
    if (stat(path, &out) || stat(read, &in) || out.st_dev != in.st_dev || out.st_ino != in.st_ino) return -1;
    return S_ISREG(in.st_mode) ? refuse(command, option, path, "is one of the files to be read, expected another") : -1;
}

int assay_path_input(const char *command, const char *option, const char *path)
{
    struct stat st;
    if (stat(path, &st) || access(path, R_OK)) return refuse(command, option, path, strerror(errno));
    return S_ISREG(st.st_mode) ? -1 : refuse(command, option, path, "expected an ordinary file");
}

static int try_folder(const char *command, const char *option, const char *path, mode_t mode)
{
    char inside[PATH_MAX], why[PATH_MAX + 128];
    if (is_dash(command, option, path, "a folder")) return ASSAY_EXIT_USAGE;
    if (mkdir(path, mode) && errno != EEXIST) return refuse(command, option, path, strerror(errno));
    if (!is_folder(path)) return refuse(command, option, path, "expected a folder");
    if (snprintf(inside, sizeof inside, "%s/probe", path) >= (int)sizeof inside)
        return refuse(command, option, path, strerror(ENAMETOOLONG));
    if (assay_file_probe(inside, why, sizeof why) == ASSAY_OK) return -1;
    return refuse(command, option, path, "expected a folder that files can be written into");
}

int assay_path_folder(const char *command, const char *option, const char *path)
{
    return try_folder(command, option, path, 0755);
}

int assay_path_private(const char *command, const char *option, const char *path)
{
    return try_folder(command, option, path, 0700);
}

int assay_path_store(const char *command, const char *option, const char *path)
{
    return is_folder(path) ? -1 : refuse(command, option, path, "expected a folder that is there");
}
