/* edited.c: a plugin made of sources one of which was edited (edits.cmake): the same table under another name.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = MUTANT_NAME;
    return &self;
}
