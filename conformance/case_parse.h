/* case_parse.h: cases that no table has, from their ids: "rnn/lstm.uni.l1.t2.n1.i1.h3.plain".
 * SPDX-License-Identifier: MIT
 *
 *     rnn/DIALECT.uni|bi.lL.tT.nN.iI.hH[.pP][.TAG][.lens3-0-5][.kV][.vVOCAB][.u2-1]     network/ the same
 *     xent/DIALECT.tT.nN.kV[.TAG][.lens3-0-5]                                          ctc/ the same and [.u2-1]
 *
 * TAG names rows of the table with this op and dialect: all that an id does not say (data, flags, head, loss, gaps) is
 * as in the one of them that is nearest, lengths and label lengths cut to T. Without a tag data are plain, rows full,
 * label strings one label long; a network needs one. */
#ifndef ASSAY_CASE_PARSE_H
#define ASSAY_CASE_PARSE_H

#include "conformance/case.h"

typedef struct assay_case_spec {
    assay_case_row row;
    char tag[40], id[96];
} assay_case_spec;

/* 1 if text has no wildcard, so that it can only be one id. */
int assay_case_is_id(const char *text);

/* 1 if the table has a case of this id. */
int assay_case_is_in_table(const char *id);

/* ASSAY_OK: *out describes the case, *c is it, and refers to *out. ASSAY_BAD_ARGUMENT and one line in why[256] (what,
 * where, what was expected). Any thread. */
assay_status assay_case_parse(const char *text, assay_case_spec *out, assay_case *c, char *why, size_t why_size);

/* The id of a changed spec, as assay_case_parse() reads it: what differs from the row that its tag names is spelt out.
 * 1 if it fits. */
int assay_case_spell(assay_case_spec *spec);

#endif
