/* lacking.c: an honest implementation that says what it lacks: it allocates in each call, and takes full rows only.
 * Built with LACKS_TRAINING it is `inferring`: inference alone, a pass of any other kind fails.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

#include <stdlib.h>
#include <string.h>

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    void *volatile memory = malloc(64); /* or the compiler does without it */
    free(memory);
#ifdef LACKS_TRAINING
    if (pass != ASSAY_INFER) return ASSAY_FAILED;
#endif
    return assay_honest_entry()->run(plan, pass, args, stream);
}

static const void *extension(const char *id)
{
    static const assay_waives waives = {.allocations = 1};
    if (strcmp(id, ASSAY_EXT_WAIVES) == 0) return &waives;
#ifdef LACKS_TRAINING
    if (strcmp(id, ASSAY_EXT_INFER_ONLY) == 0) return "inference only";
#endif
    return strcmp(id, ASSAY_EXT_FULL_ROWS) == 0 ? "full rows only" : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
#ifdef LACKS_TRAINING
    self.name = "inferring";
#else
    self.name = "lacking";
#endif
    self.run = run;
    self.extension = extension;
    return &self;
}
