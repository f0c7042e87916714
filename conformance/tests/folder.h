/* folder.h: a folder under /tmp for the files of one test program: cmocka's group fixtures that make and remove it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TEST_FOLDER_H
#define ASSAY_TEST_FOLDER_H

/* For its owner alone: a worker that root started then loads copies of plugins that lie in it. */
int test_folder_make(void **state);

/* With all that is in it. */
int test_folder_remove(void **state);

/* Its path, between the two. */
const char *test_folder(void);

#endif
