/* escape.h: text inside HTML and XML, and in a table of Markdown.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ESCAPE_H
#define ASSAY_ESCAPE_H

#include <stdio.h>

/* Writes text so that it is one run of characters in an element or in a quoted attribute: & < > " as entities, control
 * characters, which XML forbids, as blanks. */
void assay_escape(FILE *f, const char *text);

/* One cell of a table in Markdown: it neither ends its row nor begins an element. */
void assay_escape_cell(FILE *f, const char *text);

#endif
