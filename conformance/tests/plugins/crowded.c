/* crowded.c: an honest implementation that is a second slower with more than one thread: what it is timed with is not
 * what it was checked with first. SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

#include <unistd.h>

static int32_t threads;

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    threads = args->threads;
    return assay_honest_entry()->open(args, out);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    if (pass == ASSAY_STEP && threads > 1) sleep(1);
    return assay_honest_entry()->run(plan, pass, args, stream);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = "crowded";
    self.open = open_ctx;
    self.run = run;
    return &self;
}
