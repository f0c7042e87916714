/* sample.h: a small invented list of records for the tests of records and reports.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TEST_SAMPLE_H
#define ASSAY_TEST_SAMPLE_H

#include "perf/record.h"

/* Two implementations on b1, one on c.emb-lstm.h128, one row left out. `slow` is twice `quick` in every sample. */
assay_records assay_sample_records(void);

#endif
