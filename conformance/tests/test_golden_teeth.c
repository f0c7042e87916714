/* test_golden_teeth.c: the golden vectors of the tree hold every field of the dialect: under another value one breaks.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/golden.h"
#include "reference/dialect.h"
#include "reference/tensors.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FIELDS = 64, MOST_VALUES = 9 };

/* What became of a field's other values. */
typedef struct tally {
    int told;    /* files whose tensors would have other shapes, so that they would not even be read */
    int noticed; /* files that broke */
} tally;

static void on_tensor(void *user, const assay_golden_difference *d)
{
    *(int *)user += !(d->error <= d->bound);
}

static int beyond(const assay_golden *g)
{
    char why[256];
    int count = 0;
    return assay_golden_compare(g, on_tensor, &count, why, sizeof why) == ASSAY_OK ? count : 0;
}

/* Do the file's tensors fit problem p? Those that p lacks are no obstacle. */
static int fits(const assay_golden *g, const assay_problem *p)
{
    assay_tensor before, now;
    void *const *at = g->values.at;
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (at[id] && assay_tensor_find(p, id, &now) && assay_tensor_find(&g->p, id, &before) &&
            memcmp(before.dims, now.dims, sizeof now.dims) != 0)
            return 0;
    return assay_integers_check(p, at[ASSAY_IDS], at[ASSAY_LENS], at[ASSAY_LABELS], at[ASSAY_LABEL_LENS], NULL, 0) ==
           ASSAY_OK;
}

static void try_other(const assay_golden *g, const assay_dialect_field *f, double other, tally *t)
{
    assay_golden changed = *g; /* borrows the tensors */
    char *to = (char *)&changed.p.dialect + f->offset;
    if (f->real)
        *(double *)to = other;
    else
        *(int32_t *)to = (int32_t)other;
    if (memcmp(&changed.p, &g->p, sizeof g->p) == 0 || assay_problem_check(&changed.p, NULL, 0) != ASSAY_OK) return;
    if (!fits(g, &changed.p))
        t->told++;
    else
        t->noticed += beyond(&changed) > 0;
}

/* Every value of a choice; of what has a range, its first. Reals: none, and a half. */
static void try_others(const assay_golden *g, const assay_dialect_field *f, tally *t)
{
    const int64_t first = f->low > -MOST_VALUES ? f->low : 0;
    for (int64_t k = first; !f->real && k <= f->high && k < first + MOST_VALUES; k++)
        try_other(g, f, (double)k, t);
    if (f->real) try_other(g, f, 0, t);
    if (f->real) try_other(g, f, 0.5, t);
}

static void try_file(const char *name, tally *tallies)
{
    char path[512], why[512];
    assay_golden g;
    snprintf(path, sizeof path, "%s/%s", ASSAY_GOLDEN, name);
    assert_int_equal(assay_golden_read(path, &g, why, sizeof why), ASSAY_OK);
    assert_int_equal(beyond(&g), 0);
    for (int k = 0; k < assay_dialect_field_count(); k++)
        try_others(&g, assay_dialect_field_get(k), &tallies[k]);
    assay_golden_free(&g);
}

static void another_value_of_any_field_breaks_a_file(void **state)
{
    (void)state;
    tally tallies[MOST_FIELDS];
    memset(tallies, 0, sizeof tallies);
    assert_true(assay_dialect_field_count() <= MOST_FIELDS);
    DIR *folder = opendir(ASSAY_GOLDEN);
    assert_non_null(folder);
    for (const struct dirent *e; (e = readdir(folder));)
        if (strstr(e->d_name, ".safetensors")) try_file(e->d_name, tallies);
    closedir(folder);
    for (int k = 0; k < assay_dialect_field_count(); k++) {
        printf("%-18s breaks %3d, other shapes in %3d\n", assay_dialect_field_get(k)->name, tallies[k].noticed,
               tallies[k].told);
        assert_true(tallies[k].noticed + tallies[k].told > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(another_value_of_any_field_breaks_a_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
