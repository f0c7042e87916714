/* fuzz_main.c: libFuzzer's two entries; ci/fuzz.sh builds it with clang and runs it: fuzz --target=NAME --folder=DIR
 * ...; fuzz --list prints the names. SPDX-License-Identifier: MIT */
#include "perf/tests/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct run {
    const test_target *target;
    const char *folder;
} run;

/* libFuzzer hands on nothing from one entry to the other. */
static run *the_run(void)
{
    static run r;
    return &r;
}

static void list(void)
{
    for (int k = 0; k < test_target_count(); k++)
        printf("%s\n", test_target_get(k)->name);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    run *r = the_run();
    const char *made = NULL;
    for (int k = 1; k < *argc; k++) {
        const char *word = (*argv)[k];
        if (!strncmp(word, "--target=", 9)) r->target = test_target_by_name(word + 9);
        if (!strncmp(word, "--folder=", 9)) r->folder = word + 9;
        if (!strncmp(word, "--make=", 7)) made = word + 7;
        if (!strcmp(word, "--list")) {
            list();
            exit(0);
        }
    }
    if (r->target && r->folder && made) {
        r->target->make(r->folder, made);
        exit(0);
    }
    if (r->target && r->folder) return 0;
    fprintf(stderr, "fuzz: expected --target=NAME, a row of fuzz_targets.c, and --folder=DIR to work in\n");
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    the_run()->target->read(the_run()->folder, bytes, size);
    return 0;
}
