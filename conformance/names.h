/* names.h: lists of names in one string, as rows of tables and command lines give them.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_NAMES_H
#define ASSAY_NAMES_H

/* 1 if name is one whole item of the list, whose items stand between separators; NULL is the empty list. */
int assay_names_hold(const char *list, char separator, const char *name);

#endif
