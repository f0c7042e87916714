/* test_corpora.c: every input that the fuzzer was started with or that once broke a parser, read again
 * (fixtures/corpora). SPDX-License-Identifier: MIT */
#include "conformance/file.h"
#include "conformance/tests/folder.h"
#include "perf/tests/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int read_all(const test_target *t)
{
    char folder[2048], path[4096], why[256], *bytes;
    size_t size;
    int count = 0;
    snprintf(folder, sizeof folder, "%s/%s", ASSAY_CORPORA, t->name);
    DIR *d = opendir(folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_int_equal(assay_file_read(path, 1u << 20, &bytes, &size, why, sizeof why), ASSAY_OK);
        t->read(test_folder(), (const uint8_t *)bytes, size);
        free(bytes);
        count++;
    }
    if (d) closedir(d);
    return count;
}

static void every_parser_survives_its_corpus(void **state)
{
    (void)state;
    for (int k = 0; k < test_target_count(); k++) {
        const int count = read_all(test_target_get(k));
        printf("%s: %d inputs\n", test_target_get(k)->name, count);
    }
}

/* A small fuzzer of fixed seed, for machines without a larger one: bytes changed, cut out, doubled, the end cut off. */
static size_t mutate(unsigned short state[3], char *bytes, size_t size)
{
    static const char telling[] = "0-9e\"{}[],:";
    for (long times = 1 + nrand48(state) % 4; times > 0 && size > 8; times--) {
        const size_t at = (size_t)nrand48(state) % size, some = 1 + (size_t)nrand48(state) % 8;
        switch (nrand48(state) % 5) {
        case 0:
            bytes[at] = (char)nrand48(state);
            break;
        case 1:
            bytes[at] = telling[(size_t)nrand48(state) % sizeof telling];
            break;
        case 2:
            if (at + some >= size) break;
            size -= some;
            memmove(bytes + at, bytes + at + some, size - at);
            break;
        case 3:
            if (at + some < size - some) memcpy(bytes + size - some, bytes + at, some);
            break;
        default:
            if (some == 1) size = at;
        }
    }
    return size;
}

static void every_parser_survives_changes_of_a_valid_input(void **state)
{
    enum { CHANGED = 500 };
    char path[4096], why[256], *bytes;
    size_t size;
    unsigned short draws[3] = {1, 2, 3};
    (void)state;
    snprintf(path, sizeof path, "%s/valid", test_folder());
    for (int k = 0; k < test_target_count(); k++) {
        const test_target *t = test_target_get(k);
        t->make(test_folder(), path);
        assert_int_equal(assay_file_read(path, 1u << 20, &bytes, &size, why, sizeof why), ASSAY_OK);
        char *changed = malloc(size + 1);
        assert_non_null(changed);
        t->read(test_folder(), (const uint8_t *)bytes, size);
        for (int i = 0; i < CHANGED; i++) {
            memcpy(changed, bytes, size + 1);
            t->read(test_folder(), (const uint8_t *)changed, mutate(draws, changed, size));
        }
        free(changed);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_parser_survives_its_corpus),
                                       cmocka_unit_test(every_parser_survives_changes_of_a_valid_input)};
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
