/* entry.h: the implementation that mutants are made of. Its entry point has this name in their builds.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MUTANTS_ENTRY_H
#define ASSAY_MUTANTS_ENTRY_H

#include "impl/impl.h"

const assay_impl *assay_honest_entry(void);

#endif
