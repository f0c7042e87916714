/* unlinked.c: an honest implementation that needs a library of NVIDIA's which is not here.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

int cudnn_of_another_major(void);

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return cudnn_of_another_major() ? NULL : assay_honest_entry();
}
