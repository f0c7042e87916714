/* plugins.c: finding shared objects, and modules for the host of impl/python.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/plugins.h"
#include "conformance/hosted.h"
#include "conformance/session.h"
#include "perf/cli/command.h"
#include "perf/cli/paths.h"
#include "perf/cli/print.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add(assay_plugins *p, const char *path, const char *label)
{
    if (p->count == ASSAY_MAX_PLUGINS) {
        assay_print_error("%s: more than %d plugins", path, ASSAY_MAX_PLUGINS);
        return ASSAY_EXIT_UNABLE;
    }
    p->path[p->count] = strdup(path);
    p->label[p->count] = strdup(label);
    p->count++; /* also where memory ran out, so that what is there is freed */
    if (!p->path[p->count - 1] || !p->label[p->count - 1]) {
        assay_print_error("%s: no memory", path);
        return ASSAY_EXIT_UNABLE;
    }
    return ASSAY_EXIT_HELD;
}

static int scan_folder(const char *folder, assay_plugins *out)
{
    char pattern[PATH_MAX + 16], name[64];
    glob_t found;
    int status = ASSAY_EXIT_HELD;
    snprintf(pattern, sizeof pattern, "%s/*.{so,py}", folder);
    if (glob(pattern, GLOB_BRACE, NULL, &found) == 0) {
        for (size_t k = 0; k < found.gl_pathc && status == ASSAY_EXIT_HELD; k++) {
            const char *path = found.gl_pathv[k];
            status = add(out, path, assay_plugin_name(path, name, sizeof name));
        }
        globfree(&found);
    }
    return status;
}

int assay_plugins_scan(const char *kind, assay_plugins *out)
{
    memset(out, 0, sizeof *out);
    const char *variable = strcmp(kind, "impl") ? NULL : getenv("ASSAY_IMPL_PATH");
    char folder[PATH_MAX];
    if (!variable || !*variable) {
        if (*assay_path_own("lib", kind, folder, sizeof folder)) return scan_folder(folder, out);
        assay_print_error("/proc/self/exe: cannot be read, so plugins cannot be found");
        return ASSAY_EXIT_UNABLE;
    }
    int status = ASSAY_EXIT_HELD;
    for (const char *at = variable; *at && status == ASSAY_EXIT_HELD;) {
        size_t length = strcspn(at, ":");
        snprintf(folder, sizeof folder, "%.*s", (int)length, at);
        if (length) status = scan_folder(folder, out);
        at += length + (at[length] == ':');
    }
    return status;
}

const char *assay_plugin_name(const char *path, char *buffer, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(buffer, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(buffer, '.');
    if (dot && (!strcmp(dot, ".so") || !strcmp(dot, ".py"))) *dot = '\0';
    return buffer;
}

/* "python:torch" is the module that is called torch, and no shared object of that name. */
static const char *look_up(const assay_plugins *known, const char *name)
{
    static const char prefix[] = "python:";
    const int hosted = !strncmp(name, prefix, sizeof prefix - 1);
    char own[64];
    if (hosted) name += sizeof prefix - 1;
    for (int k = 0; k < known->count; k++) {
        if (hosted && !assay_hosted_is(known->path[k])) continue;
        if (!strcmp(assay_plugin_name(known->path[k], own, sizeof own), name)) return known->path[k];
    }
    return NULL;
}

int assay_plugins_select(const assay_strings *wanted, assay_plugins *out)
{
    assay_plugins known;
    memset(out, 0, sizeof *out);
    int status = assay_plugins_scan("impl", &known);
    for (int k = 0; k < wanted->count && status == ASSAY_EXIT_HELD; k++) {
        const char *name = wanted->at[k];
        const char *path = strchr(name, '/') ? name : look_up(&known, name);
        if (!path || access(path, R_OK)) {
            assay_print_error("--impl %s: %s%sexpected a name from `assay list impls` or the path of a shared object "
                              "or of a module in Python%s",
                              name, path ? strerror(errno) : "", path ? ": " : "",
                              !path && access(name, F_OK) == 0 ? ", with a slash in it: ./ for this folder" : "");
            status = ASSAY_EXIT_USAGE;
        } else {
            status = add(out, path, name);
        }
    }
    if (status == ASSAY_EXIT_HELD && wanted->count == 0) {
        *out = known;
        memset(&known, 0, sizeof known);
        if (out->count == 0) {
            assay_print_error(
                "no implementation found: expected *.so or *.py in ../lib/assay/impl or in $ASSAY_IMPL_PATH");
            status = ASSAY_EXIT_USAGE;
        }
    }
    assay_plugins_free(&known);
    if (status != ASSAY_EXIT_HELD) assay_plugins_free(out);
    return status == ASSAY_EXIT_HELD ? -1 : status;
}

/* What the plugin calls itself; "" if it could not be started. */
static void name_of(const char *path, char *name, size_t size)
{
    assay_session *session = NULL;
    assay_session_options options = {.threads = 1, .time_limit = 30};
    assay_session_start(path, &options, &session);
    snprintf(name, size, "%s", session ? assay_session_about(session)->name : "");
    assay_session_end(session);
}

static int is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int assay_plugins_distinct(const char *command, const assay_plugins *p)
{
    char names[ASSAY_MAX_PLUGINS][48], clean[48];
    for (int k = 0; p->count > 1 && k < p->count; k++) {
        for (int j = 0; j < k; j++) {
            if (!is_same_file(p->path[j], p->path[k])) continue;
            assay_print_error("%s: %s and %s are the same file: expected it once", command, p->label[j], p->label[k]);
            return ASSAY_EXIT_USAGE;
        }
        name_of(p->path[k], names[k], sizeof names[k]);
        for (int j = 0; j < k; j++) {
            if (!names[k][0] || strcmp(names[j], names[k])) continue;
            assay_print_error("%s: %s and %s both call themselves '%s': expected names that tell results apart",
                              command, p->label[j], p->label[k], assay_print_clean(names[k], clean, sizeof clean));
            return ASSAY_EXIT_USAGE;
        }
    }
    return -1;
}

void assay_plugins_free(assay_plugins *p)
{
    for (int k = 0; k < p->count; k++) {
        free(p->path[k]);
        free(p->label[k]);
    }
    p->count = 0;
}
