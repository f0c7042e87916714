/* floors.h: stored floors of the documented shapes (fixtures/floors), the worst of several seeds, with what they depend
 * on. SPDX-License-Identifier: MIT */
#ifndef ASSAY_FLOORS_H
#define ASSAY_FLOORS_H

#include "conformance/oracle.h"

/* Fills o->floor from <folder>/<id with / as _>.<arithmetic>.u<activation error>.json; 1 if so: of the files that were
 * made for this problem by these sources of the reference with at most the declared activation error, that with the
 * largest. An error smaller than declared makes the limit stricter, if anything. 0: there is none, it is measured. */
int assay_floors_read(const char *folder, const char *case_id, const assay_problem *p, const assay_arithmetic *a,
                      assay_oracle *o);

/* Writes the maximum over `seeds` measurements. spread = largest ratio of max to min phi over the tensors. One line in
 * why on failure. */
assay_status assay_floors_write(const char *folder, const char *case_id, const assay_problem *p,
                                const assay_arithmetic *a, const assay_floor *floor, int seeds, double spread,
                                char *why, size_t why_size);

#endif
