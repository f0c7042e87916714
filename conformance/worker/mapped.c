/* mapped.c: /proc/PID/maps as a list of files, and the hash that a certificate names.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/mapped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *assay_mapped_list(int pid)
{
    char path[32], *line = NULL, *list = NULL, *last = NULL;
    size_t room = 0, list_size;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    FILE *out = maps ? open_memstream(&list, &list_size) : NULL;
    while (out && getline(&line, &room, maps) > 0) {
        char *file = strchr(line, '/');
        struct stat st;
        if (!file || strncmp(file, "/memfd:", 7) == 0) continue;
        file[strcspn(file, "\n")] = '\0';
        if (last && strcmp(last, file) == 0) continue;              /* a library has several mappings in a row */
        if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) continue; /* devices */
        fprintf(out, "%s\n", file);
        free(last);
        last = strdup(file);
    }
    if (out && fclose(out) != 0) {
        free(list);
        list = NULL;
    }
    if (maps) fclose(maps);
    free(last);
    free(line);
    return list;
}

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, ASSAY_HEX);
}

void assay_mapped_hash(const char *list, char hex[ASSAY_HEX])
{
    size_t lines = 0, count = 0, unique = 0;
    char why[256], path[4096];
    hex[0] = '\0';
    for (const char *at = list; (at = strchr(at, '\n')); at++)
        lines++;
    char(*hashes)[ASSAY_HEX] = calloc(lines ? lines : 1, ASSAY_HEX);
    if (!hashes) return;
    for (const char *at = list; *at; at += strcspn(at, "\n") + 1) {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\n"), at);
        if (assay_hash_file(path, hashes[count++], why, sizeof why) != ASSAY_OK) {
            free(hashes);
            return;
        }
    }
    qsort(hashes, count, ASSAY_HEX, by_text);
    for (size_t k = 0; k < count; k++) {
        if (unique && memcmp(hashes[unique - 1], hashes[k], ASSAY_HEX) == 0) continue;
        memmove(hashes[unique++], hashes[k], ASSAY_HEX);
    }
    for (size_t k = 0; k < unique; k++)
        hashes[k][ASSAY_HEX - 1] = '\n';
    if (unique) assay_hash_bytes(hashes, unique * ASSAY_HEX, hex);
    free(hashes);
}
