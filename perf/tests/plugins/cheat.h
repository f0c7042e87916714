/* cheat.h: what the cheats and their test agree on.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PERF_TESTS_CHEAT_H
#define ASSAY_PERF_TESTS_CHEAT_H

#define CHEAT_NAP_NANOSECONDS   2000000   /* an honest call takes at least so long */
#define CHEAT_AHEAD_NANOSECONDS 10000000  /* those of ahead.c: what may be done before a call is little of it */
#define CHEAT_START_NANOSECONDS 600000000 /* the first two of slow-start */

#endif
