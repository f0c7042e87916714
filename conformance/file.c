/* file.c: whole files.
 * SPDX-License-Identifier: MIT */
#include "conformance/file.h"

#include "conformance/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static assay_status complain(assay_status st, const char *path, const char *doing, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s: could not be %s: %s", path, doing, strerror(errno));
    return st;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return 0;
        if (n == 0) {
            errno = ENOSPC;
            return 0;
        }
        done += (size_t)n;
    }
    return 1;
}

/* So that the new name outlives a power cut. Some file systems can't sync a folder: the file itself is safe. */
static void sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

/* A device or a pipe is written into: renaming over /dev/null would leave a file in its place. */
static assay_status write_into(const char *path, const void *bytes, size_t size, char *why, size_t why_size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int good = fd >= 0 && write_all(fd, bytes, size);
    assay_status st = good ? ASSAY_OK : complain(ASSAY_FAILED, path, "written", why, why_size);
    if (fd >= 0) close(fd);
    return st;
}

/* 0 and errno if any step failed. `old` is the file that is replaced, whose rights the new one gets; NULL if none. */
static int fill(int fd, const void *bytes, size_t size, const struct stat *old)
{
    int good = write_all(fd, bytes, size) && (!old || fchmod(fd, old->st_mode & 0777) == 0) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && good) { /* network file systems report a full disk here */
        good = 0;
        error = errno;
    }
    errno = error;
    return good;
}

/* Beside what is to be replaced, so that renaming is all that is left to do; -1 and errno. A link stays a link: what it
 * points to is the target. */
static int open_temporary(const char *path, int exists, char target[PATH_MAX], char temporary[PATH_MAX])
{
    if (!exists || !realpath(path, target)) snprintf(target, PATH_MAX, "%s", path);
    int length = snprintf(temporary, PATH_MAX, "%s.%016" PRIx64, target, assay_seed_fresh());
    if (length < PATH_MAX) return open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    errno = ENAMETOOLONG;
    return -1;
}

assay_status assay_file_probe(const char *path, char *why, size_t why_size)
{
    char target[PATH_MAX], temporary[PATH_MAX];
    struct stat old;
    int exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        errno = EISDIR;
        if (!S_ISDIR(old.st_mode) && access(path, W_OK) == 0) return ASSAY_OK;
        return complain(ASSAY_FAILED, path, "written", why, why_size);
    }
    int fd = path[0] ? open_temporary(path, exists, target, temporary) : -1;
    if (fd < 0) return complain(ASSAY_FAILED, path, "written", why, why_size);
    close(fd);
    unlink(temporary);
    return ASSAY_OK;
}

assay_status assay_file_write(const char *path, const void *bytes, size_t size, char *why, size_t why_size)
{
    char target[PATH_MAX], temporary[PATH_MAX];
    struct stat old;
    int exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) return write_into(path, bytes, size, why, why_size);
    int fd = open_temporary(path, exists, target, temporary);
    if (fd < 0) return complain(ASSAY_FAILED, path, "written", why, why_size);
    if (!fill(fd, bytes, size, exists ? &old : NULL) || rename(temporary, target) != 0) {
        int error = errno;
        unlink(temporary);
        errno = error;
        return complain(ASSAY_FAILED, path, "written", why, why_size);
    }
    sync_folder(target);
    return ASSAY_OK;
}

/* Up to `limit` bytes and one more, which tells that there are too many: a file may grow while it is read. */
static assay_status read_all(int fd, size_t limit, char **out, size_t *size)
{
    size_t room = 4096, used = 0;
    char *bytes = NULL;
    for (;;) {
        char *more = realloc(bytes, room + 1);
        if (!more) {
            free(bytes);
            return ASSAY_NO_MEMORY;
        }
        bytes = more;
        ssize_t n = read(fd, bytes + used, room - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 || used + (size_t)n > limit) {
            free(bytes);
            return n < 0 ? ASSAY_FAILED : ASSAY_BAD_ARGUMENT;
        }
        if (n == 0) break;
        used += (size_t)n;
        if (used == room) room *= 2;
    }
    bytes[used] = '\0';
    *out = bytes;
    *size = used;
    return ASSAY_OK;
}

assay_status assay_file_read(const char *path, size_t limit, char **bytes, size_t *size, char *why, size_t why_size)
{
    struct stat st;
    *bytes = NULL;
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place must not hang the program */
    if (fd < 0) return complain(ASSAY_FAILED, path, "read", why, why_size);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        snprintf(why, why_size, "%s: not an ordinary file", path);
        return ASSAY_BAD_ARGUMENT;
    }
    assay_status status = read_all(fd, limit, bytes, size);
    int error = errno;
    close(fd);
    errno = status == ASSAY_NO_MEMORY ? ENOMEM : error;
    if (status == ASSAY_BAD_ARGUMENT)
        snprintf(why, why_size, "%s: longer than %zu bytes, the most that is expected here", path, limit);
    else if (status != ASSAY_OK)
        complain(status, path, "read", why, why_size);
    return status;
}

void assay_file_clean_message(char *why)
{
    for (; *why; why++)
        if ((unsigned char)*why < ' ' || *why == 0x7F) *why = '?';
}

void assay_program_folder(char *folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", folder, size);
    folder[length > 0 && (size_t)length < size ? length : 0] = '\0'; /* one that fills the buffer may be cut off */
    char *slash = strrchr(folder, '/');
    if (slash) *slash = '\0';
}
