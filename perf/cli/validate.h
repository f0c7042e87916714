/* validate.h: `assay floor --validate`: a faster method against the rounding of every operation.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_VALIDATE_H
#define ASSAY_VALIDATE_H

#include <stdint.h>

/* Every case of the table that matches glob (NULL = all) and is small, in the named arithmetic (NULL = all) at `seeds`
 * seeds of the data, by `method` (floor_validate.h): prints the ratios of the two floors. Returns the exit status: 1
 * where a tensor that counts is more than ASSAY_BLOCK_FACTOR apart, 2 where nothing is selected. Main thread. */
int assay_floor_validate_print(const char *glob, const char *arithmetic, int method, uint64_t seed, int seeds);

#endif
