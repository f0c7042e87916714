/* validate.c: `assay floor --validate`: a faster method against the rounding of every operation, tensor by tensor.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/validate.h"

#include "conformance/floor_validate.h"
#include "conformance/oracle.h"
#include "perf/cli/command.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"
#include "reference/tensors.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct tally {
    int cases, tensors, uncounted, apart;
    double least, most;
} tally;

static const char *name_of(int method)
{
    return method == ASSAY_FLOOR_BLOCK ? "block" : "rounded";
}

static void take(tally *t, const char *arithmetic, const assay_case *c, uint64_t seed, int method,
                 const assay_floor_ratio *r)
{
    if (!r->counts) {
        t->uncounted++;
        return;
    }
    t->tensors++;
    t->least = fmin(t->least, r->ratio);
    t->most = fmax(t->most, r->ratio);
    if (r->ratio <= ASSAY_BLOCK_FACTOR && r->ratio >= 1 / ASSAY_BLOCK_FACTOR) return;
    t->apart++;
    printf("    %s  %s  seed 0x%llx  %-12s %s %.2e  operation %.2e  ratio %.2f, expected within %g\n", arithmetic,
           c->id, (unsigned long long)seed, r->tensor, name_of(method), r->other, r->operation, r->ratio,
           ASSAY_BLOCK_FACTOR);
}

static int one_case(const assay_arithmetic_row *a, const assay_case *c, uint64_t seed, int method, tally *t)
{
    static assay_floor_ratio ratios[ASSAY_TENSORS];
    int count;
    const assay_status st = assay_floor_validate(c, a, seed, method, ratios, &count);
    if (st == ASSAY_UNSUPPORTED)
        return ASSAY_EXIT_HELD; /* too large for rounding every operation, or not by this method */
    if (st != ASSAY_OK) {
        assay_print_error("floor: %s: the reference could not compute it (memory?)", c->id);
        return ASSAY_EXIT_UNABLE;
    }
    t->cases++;
    for (int k = 0; k < count; k++)
        take(t, a->name, c, seed, method, &ratios[k]);
    return ASSAY_EXIT_HELD;
}

int assay_floor_validate_print(const char *glob, const char *arithmetic, int method, uint64_t seed, int seeds)
{
    int status = ASSAY_EXIT_HELD, selected = 0, apart = 0;
    if (arithmetic && !assay_arithmetic_by_name(arithmetic)) {
        assay_print_error("floor: arithmetic '%s' is unknown; expected tf32, bf16 ... as --validate alone prints them",
                          arithmetic);
        return ASSAY_EXIT_USAGE;
    }
    for (int n = 0; n < assay_arithmetic_count() && status == ASSAY_EXIT_HELD; n++) {
        const assay_arithmetic_row *a = assay_arithmetic_get(n);
        tally t = {.least = INFINITY};
        if (arithmetic && strcmp(a->name, arithmetic) != 0) continue;
        for (int k = 0; k < assay_case_count() && status == ASSAY_EXIT_HELD && !assay_interrupted(); k++) {
            assay_case c;
            assay_case_get(k, &c);
            if (c.flags & ASSAY_CASE_FULL || fnmatch(glob ? glob : "*", c.id, 0) != 0) continue;
            for (int s = 0; s < seeds && status == ASSAY_EXIT_HELD; s++)
                status = one_case(a, &c, seed + (uint64_t)s, method, &t);
        }
        if (t.cases)
            printf("%-14s  %4d measurements, %5d tensors, %s over operation %.2f .. %.2f, %d beyond %g; %d not "
                   "counted\n",
                   a->name, t.cases, t.tensors, name_of(method), t.least, t.most, t.apart, ASSAY_BLOCK_FACTOR,
                   t.uncounted);
        fflush(stdout);
        selected += t.cases;
        apart += t.apart;
    }
    if (status == ASSAY_EXIT_HELD && selected == 0) {
        assay_print_error("floor: --validate found no small case; expected one of `assay list cases`");
        return ASSAY_EXIT_USAGE;
    }
    return status == ASSAY_EXIT_HELD && apart ? ASSAY_EXIT_BROKEN : status;
}
