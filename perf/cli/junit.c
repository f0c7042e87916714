/* junit.c: verdicts as JUnit XML, which every continuous integration reads.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/command.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"
#include "perf/cli/results.h"
#include "perf/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *result, const char *key)
{
    const char *text = json_string_value(json_object_get(result, key));
    return text ? text : "";
}

/* The element that says how a verdict counts: none for PASS, skipped for what could not be judged. */
static const char *element_of(const char *verdict)
{
    if (!strcmp(verdict, "PASS")) return NULL;
    if (!strcmp(verdict, "UNSUPPORTED") || !strcmp(verdict, "SKIPPED")) return "skipped";
    return strcmp(verdict, "FAIL") && strcmp(verdict, "MISTRUSTED") ? "error" : "failure";
}

static void put_case(FILE *f, const json_t *x)
{
    const char *verdict = text_of(x, "verdict"), *element = element_of(verdict);
    fputs("  <testcase classname=\"", f);
    assay_escape(f, text_of(x, "check"));
    fputs("\" name=\"", f);
    assay_escape(f, text_of(x, "case"));
    fprintf(f, " %s\" time=\"%.6f\"", text_of(x, "arithmetic"), json_real_value(json_object_get(x, "seconds")));
    if (!element) {
        fputs("/>\n", f);
        return;
    }
    fprintf(f, ">\n    <%s message=\"%s: ", element, verdict);
    assay_escape(f, text_of(x, "why"));
    fputs("\">", f);
    if (text_of(x, "cause")[0]) {
        fputs("cause: ", f);
        assay_escape(f, text_of(x, "cause"));
        fputc('\n', f);
    }
    assay_escape(f, text_of(x, "reproducer"));
    fprintf(f, "</%s>\n  </testcase>\n", element);
}

static int is_new(const assay_results *r, int tally)
{
    for (int k = 0; k < tally; k++) {
        if (!strcmp(r->tallies[k].impl, r->tallies[tally].impl)) return 0;
    }
    return 1;
}

static void put_suite(FILE *f, const assay_results *r, const char *impl)
{
    size_t index;
    json_t *x;
    fputs(" <testsuite name=\"", f);
    assay_escape(f, impl);
    fputs("\">\n", f);
    json_array_foreach(r->all, index, x)
    {
        if (!strcmp(text_of(x, "impl"), impl)) put_case(f, x);
    }
    fputs(" </testsuite>\n", f);
}

int assay_results_write_junit(const assay_results *r, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    int bad = !f;
    if (f) {
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay\">\n", f);
        for (int k = 0; k < r->tally_count; k++) {
            if (is_new(r, k)) put_suite(f, r, r->tallies[k].impl);
        }
        fputs("</testsuites>\n", f);
        bad = ferror(f) | fclose(f);
    }
    if (bad) assay_print_error("%s: no memory for its text", path);
    int status = bad ? ASSAY_EXIT_UNABLE : assay_output_write(path, text, size);
    free(text);
    return status;
}
