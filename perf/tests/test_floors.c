/* test_floors.c: every documented shape has stored floors of the very sources that judge: measuring them during a run
 * takes the time that was meant for timing, and of narrow formats there is no other way. SPDX-License-Identifier: MIT
 */
#include "conformance/floors.h"

#include "conformance/arithmetic.h"
#include "conformance/oracle.h"
#include "perf/state.h"
#include "perf/workload.h"

#include <glob.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* Floors are stored for activations within 2 ulp, which serve whoever declares as much or more. */
enum { STORED_ULP = 2 };

/* 1 if there are floors of w for this arithmetic that are still valid. */
static int are_there(const assay_workload *w, const assay_arithmetic_row *row)
{
    assay_arithmetic a = row->arithmetic;
    assay_problem p = w->problem;
    assay_oracle unused = {.activation_ulp = 0};
    assay_case c;
    assay_workload_case(w, &c);
    a.activation_ulp = STORED_ULP;
    p.arithmetic = row->asked;
    return assay_floors_read(ASSAY_FLOORS, c.id, &p, &a, &unused);
}

static int is_stored(const assay_workload *w, const char *arithmetic)
{
    char path[512];
    glob_t found;
    snprintf(path, sizeof path, ASSAY_FLOORS "/%s.%s.u%d.json", w->id, arithmetic, STORED_ULP);
    const int there = glob(path, GLOB_NOSORT, NULL, &found) == 0;
    if (there) globfree(&found);
    return there;
}

static void floors_are_of_these_sources(void **state)
{
    (void)state;
    int stale = 0;
    for (int k = 0; k < assay_workload_count(); k++) {
        const assay_workload *w = assay_workload_get(k);
        for (int n = 0; n < assay_arithmetic_count(); n++) {
            const assay_arithmetic_row *row = assay_arithmetic_get(n);
            const int due = !strcmp(row->name, "fp32") || is_stored(w, row->name);
            if (!due || are_there(w, row)) continue;
            print_error("assay floor --workload %s --arithmetic %s --activation-ulp %d --out fixtures/floors\n", w->id,
                        row->name, STORED_ULP);
            stale++;
        }
    }
    if (stale)
        fail_msg("%d floors are missing, or of other sources of the reference: measure them with the above", stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(floors_are_of_these_sources)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
