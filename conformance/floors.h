/* floors.h: stored floors of the documented shapes (fixtures/floors), the worst of several seeds, with what they depend
 * on. SPDX-License-Identifier: MIT */
#ifndef ASSAY_FLOORS_H
#define ASSAY_FLOORS_H

#include "conformance/oracle.h"

/* Fills o->floor from <folder>/<id with / as _>.<arithmetic>.json; 1 if so. 0 where there is no file, or it was made
 * for another problem, with a larger activation error than declared, or by other sources of the reference: then it is
 * measured. One that was made with a smaller activation error serves: it makes the limit stricter, if anything. */
int assay_floors_read(const char *folder, const char *case_id, const assay_problem *p, const assay_arithmetic *a,
                      assay_oracle *o);

/* Writes the maximum over `seeds` measurements. spread = largest ratio of max to min phi over the tensors. One line in
 * why on failure. */
assay_status assay_floors_write(const char *folder, const char *case_id, const assay_problem *p,
                                const assay_arithmetic *a, const assay_floor *floor, int seeds, double spread,
                                char *why, size_t why_size);

#endif
