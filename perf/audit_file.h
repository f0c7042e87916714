/* audit_file.h: an audit as JSON, as an SVG of errors against time, and as a part of a report.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_AUDIT_FILE_H
#define ASSAY_AUDIT_FILE_H

#include "conformance/audit.h"

#include <jansson.h>
#include <stdio.h>

#define ASSAY_AUDIT_SCHEMA "assay.audit/1"

/* Adds what an audit found to the members that all our files begin with. 0, or -1: no memory. */
int assay_audit_put(const assay_audit *a, json_t *head);

/* Back from JSON: what the drawing and the report need. ASSAY_BAD_ARGUMENT and one line in why; the caller frees *out
 * in any case. `where` names the file. */
assay_status assay_audit_parse(const json_t *root, const char *where, assay_audit *out, char *why, size_t why_size);

/* Errors by step: a chart for each tensor with time, and each half. Returns how many; nothing is written where there
 * are none. */
int assay_audit_draw(FILE *f, const assay_audit *a, int alone);

/* "blas and cpu: the same function"; buffer >= 160 bytes. */
const char *assay_audit_title(const assay_audit *a, char *buffer, size_t size);

/* Sections of a page. */
void assay_audit_html(FILE *f, const assay_audit *a);

#endif
