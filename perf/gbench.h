/* gbench.h: Google Benchmark behind a C interface: it calls each sample, and writes the JSON that dashboards read.
 * SPDX-License-Identifier: MIT
 *
 * Our own scheduler decides order, warm-up and counts: a sample is one registered benchmark with one iteration and
 * manual time. Main thread only; one run at a time. No exception leaves these functions. */
#ifndef ASSAY_GBENCH_H
#define ASSAY_GBENCH_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_gbench assay_gbench;

/* Takes one sample and returns its seconds; NaN or a negative number says that it failed. */
typedef double (*assay_gbench_sample)(void *user);

assay_gbench *assay_gbench_begin(void); /* NULL if there's no memory */
void assay_gbench_end(assay_gbench *g); /* NULL is fine */

/* One sample under this name ("b1.lstm-ce-short/blas/step"); label is free text. Returns what the library recorded
 * as the manual time, in seconds; NaN where the sample failed, which leaves an error entry in the JSON. */
double assay_gbench_take(assay_gbench *g, const char *name, const char *label, assay_gbench_sample sample, void *user);

/* Key and value for the "context" part of the JSON, beside the library's own. Returns 0, or -1 without memory. */
int assay_gbench_context(assay_gbench *g, const char *key, const char *value);

/* The whole document, to be freed with free(); NULL if there's no memory. */
char *assay_gbench_json(assay_gbench *g);

#ifdef __cplusplus
}
#endif
#endif
