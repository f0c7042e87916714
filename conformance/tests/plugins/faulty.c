/* faulty.c: an implementation whose training fails, as on a test device that found a fault in a kernel: with
 * FAULTY_REASON it says what, without it does not; with FAULTY_DIES it ends in a crash. SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

#include <string.h>

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
#ifdef FAULTY_DIES
    if (pass == ASSAY_TRAIN) __builtin_trap();
#endif
    return pass == ASSAY_TRAIN ? ASSAY_FAILED : assay_honest_entry()->run(plan, pass, args, stream);
}

#ifdef FAULTY_REASON
static const char *last(void)
{
    return FAULTY_REASON;
}
#endif

static const void *extension(const char *id)
{
#ifdef FAULTY_REASON
    static const assay_explains explains = {.last = last};
    if (strcmp(id, ASSAY_EXT_EXPLAINS) == 0) return &explains;
#endif
    return assay_honest_entry()->extension ? assay_honest_entry()->extension(id) : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = "faulty";
    self.run = run;
    self.extension = extension;
    return &self;
}
