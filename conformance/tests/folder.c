/* folder.c: a folder of its own for a test program (folder.h). SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* nftw() */
#include "conformance/tests/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static char *the_folder(void)
{
    static char path[] = "/tmp/assay-test-XXXXXX";
    return path;
}

int test_folder_make(void **state)
{
    (void)state;
    return mkdtemp(the_folder()) ? 0 : -1;
}

static int take_away(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

int test_folder_remove(void **state)
{
    (void)state;
    return nftw(the_folder(), take_away, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_folder(void)
{
    return the_folder();
}
