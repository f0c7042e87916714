/* main.c: assay-worker: takes one plugin into a process of its own and serves it over an inherited socket.
 * SPDX-License-Identifier: MIT
 *
 * Started by a session (conformance/session.c), never by hand: assay-worker SOCKET PLUGIN. What it does before the
 * plugin's first line of code runs: gives up root, forbids what no plugin needs, and dies with its parent. */
#include "conformance/worker/count.h"
#include "conformance/worker/worker.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHY = 192 };

typedef const assay_impl *entry_point(void);

#ifdef __SANITIZE_ADDRESS__
/* A search for leaks stops all threads of a process, which takes seconds where others want the processors: far longer
 * than what most workers of the tests do. Searched is where LSAN_OPTIONS is set, as ci/test.sh does for one whole
 * check. */
int __lsan_is_turned_off(void);
__attribute__((visibility("default"))) int __lsan_is_turned_off(void)
{
    return !getenv("LSAN_OPTIONS");
}
#endif

/* A copy that nobody may load too, for a plugin in a folder that only root sees. -1 if there can be none. */
static int copy_of(int file)
{
    struct stat st;
    int copy = memfd_create("plugin", MFD_CLOEXEC);
    if (copy < 0 || fstat(file, &st) != 0) return copy;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t sent = sendfile(copy, file, NULL, (size_t)left);
        if (sent <= 0) break;
        left -= sent;
    }
    return copy;
}

/* The loader names the file first; the parent names it too, as the user wrote it. */
static void loader_error(const char *path, int dropped, char *why)
{
    const char *text = dlerror();
    size_t n = strlen(path);
    if (text && strncmp(text, path, n) == 0 && strncmp(text + n, ": ", 2) == 0) text += n + 2;
    /* Who may not search a folder is told by the loader that nothing is in it. */
    const int unseen = dropped && text && strstr(text, "cannot open shared object file");
    snprintf(why, WHY, "%s%s", text ? text : "could not be loaded",
             unseen ? " (for another user, since a worker gives up root: may others read it?)" : "");
}

/* cuDNN, cuBLAS and CUDA's runtime have their major version in their names: one that is missing, or of another major
 * version, is a device that cannot be used, as a missing framework of Python is, and no fault of the plugin's file. */
static assay_status status_of(char *why)
{
    static const char missing[] = ": cannot open shared object file";
    char *end = strstr(why, missing);
    if (!end || strchr(why, '/') || (strncmp(why, "libcu", 5) != 0 && strncmp(why, "libnv", 5) != 0))
        return ASSAY_BAD_ARGUMENT;
    snprintf(end, WHY - (size_t)(end - why), " is needed, in this major version, and is not here (LD_LIBRARY_PATH)");
    return ASSAY_NO_DEVICE;
}

/* The loader maps what the headers promise without looking whether it is there, so that a file which was copied or
 * built half ends the process; of other files it says "file too short", whatever they are. NULL: nothing to object to.
 */
static const char *file_defect(int file)
{
    Elf64_Ehdr head;
    struct stat st;
    if (fstat(file, &st) != 0 || !S_ISREG(st.st_mode)) return NULL;
    const ssize_t got = pread(file, &head, sizeof head, 0);
    if (got < SELFMAG || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return "is no shared object";
    if (got == (ssize_t)sizeof head && head.e_ident[EI_CLASS] != ELFCLASS64) return NULL;
    const uint64_t size = (uint64_t)st.st_size;
    int whole = got == (ssize_t)sizeof head && head.e_shoff <= size &&
                (uint64_t)head.e_shnum * head.e_shentsize <= size - head.e_shoff;
    for (int k = 0; whole && k < head.e_phnum; k++) {
        Elf64_Phdr part;
        whole = pread(file, &part, sizeof part, (off_t)(head.e_phoff + (uint64_t)k * sizeof part)) == sizeof part &&
                part.p_offset <= size && part.p_filesz <= size - part.p_offset;
    }
    return whole ? NULL : "is shorter than its own headers say: was it written to its end?";
}

/* Loads the plugin; its table, or NULL and one line. `file` was opened before root was given up. */
static const assay_impl *load(const char *path, int file, int dropped, char *why)
{
    char copied[48];
    const char *defect = file_defect(file);
    if (defect) {
        snprintf(why, WHY, "%s", defect);
        return NULL;
    }
    if (access(path, R_OK) != 0 && file >= 0) {
        snprintf(copied, sizeof copied, "/proc/self/fd/%d", copy_of(file));
        path = copied;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        loader_error(path, dropped, why);
        return NULL;
    }
    void *symbol = dlsym(library, "assay_impl_entry");
    if (!symbol) {
        snprintf(why, WHY, "has no entry point assay_impl_entry, which every plugin exports");
        return NULL;
    }
    entry_point *entry;
    memcpy(&entry, &symbol, sizeof entry);
    const assay_impl *table = entry();
    if (!table) snprintf(why, WHY, "assay_impl_entry() returned NULL, not its table");
    return table;
}

int main(int argc, char **argv)
{
    char why[WHY] = "", *rest = NULL;
    long socket = argc == 3 ? strtol(argv[1], &rest, 10) : -1;
    if (socket <= STDERR_FILENO || *rest || fcntl((int)socket, F_GETFD) < 0) {
        fprintf(stderr, "usage: assay-worker SOCKET PLUGIN: started by assay, with an open descriptor\n");
        return 2;
    }
    assay_worker_settle();
    int file = open(argv[2], O_RDONLY | O_CLOEXEC);
    int dropped = assay_worker_drop_root();
    assay_worker_options options = {.struct_size = sizeof options,
                                    .sandbox = dropped ? 2 : 1,
                                    .allocations = assay_count_works() ? assay_count_allocations : NULL};
    assay_worker_begin((int)socket, &options);
    const assay_impl *impl = load(argv[2], file, dropped, why);
    if (file >= 0) close(file);
    int failed =
        impl ? assay_worker_serve((int)socket, impl, &options) : assay_worker_refuse((int)socket, status_of(why), why);
#ifdef __SANITIZE_ADDRESS__
    exit(failed != 0); /* leaks are looked for on the way out */
#else
    _exit(failed != 0); /* a plugin's own exit handlers have no say in how the session ends */
#endif
}
