/* audit.h: how an audit is put into words.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CLI_AUDIT_H
#define ASSAY_CLI_AUDIT_H

#include "conformance/audit.h"

#include <stdio.h>

/* The whole of it as text: what is worst and where, the causes, the table of tensors, errors by step, ulps. */
void assay_audit_print(FILE *to, const assay_audit *a);

#endif
