/* publish.c: `assay publish`: records become the baselines of their machine.
 * SPDX-License-Identifier: MIT */
#include "perf/baseline.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Refusals of one kind on one row are one line: the first of them, and of how many phases. */
typedef struct notes {
    const assay_record *row;
    char why[192];
    int phases, refused;
} notes;

static void tell(notes *n)
{
    const assay_record *r = n->row;
    if (r && n->phases == 1)
        assay_print_error("publish: %s %s %s %s: %s", r->workload, r->implementation, r->arithmetic, r->phase, n->why);
    else if (r)
        assay_print_error("publish: %s %s %s, %d phases: %s", r->workload, r->implementation, r->arithmetic, n->phases,
                          n->why);
    n->row = NULL;
}

static void on_refused(void *user, const assay_record *r, const char *why)
{
    notes *n = user;
    const assay_record *row = n->row;
    n->refused++;
    if (row && !strcmp(row->workload, r->workload) && !strcmp(row->implementation, r->implementation) &&
        !strcmp(row->arithmetic, r->arithmetic) && !strcmp(n->why, why)) {
        n->phases++;
        return;
    }
    tell(n);
    n->row = r;
    n->phases = 1;
    snprintf(n->why, sizeof n->why, "%s", why);
}

static void on_wrote(void *user, const char *path, int32_t records)
{
    (void)user;
    printf("%s: %d records\n", path, (int)records);
}

/* Two of one name: which of them would be the baseline? */
static const assay_record *twice(const assay_records *list)
{
    for (int32_t k = 0; k < list->count; k++) {
        const assay_record *r = &list->at[k];
        if (assay_records_find(list, r->workload, r->implementation, r->arithmetic, r->phase) != r) return r;
    }
    return NULL;
}

static int read_all(const assay_strings *files, assay_records *list)
{
    char why[512];
    for (int k = 1; k < files->count; k++) {
        const assay_status st = assay_records_read(files->at[k], list, why, sizeof why);
        if (st == ASSAY_OK) continue;
        assay_print_error("publish: %s", why);
        return st == ASSAY_NO_MEMORY ? ASSAY_EXIT_UNABLE : ASSAY_EXIT_USAGE;
    }
    const assay_record *again = twice(list);
    if (!again) return ASSAY_EXIT_HELD;
    assay_print_error("publish: two records of %s %s %s %s: expected one", again->workload, again->implementation,
                      again->arithmetic, again->phase);
    return ASSAY_EXIT_USAGE;
}

static int publish(const char *folder, const char *reason, const assay_records *list)
{
    notes n = {0};
    char why[512];
    const int made = mkdir(folder, 0755) == 0;
    if (!made && errno != EEXIST) {
        assay_print_error("publish: %s: cannot be made: %s", folder, strerror(errno));
        return ASSAY_EXIT_USAGE;
    }
    assay_publication p = {.folder = folder, .reason = reason, .refused = on_refused, .wrote = on_wrote, .user = &n};
    const assay_status st = assay_baseline_publish(&p, list, why, sizeof why);
    tell(&n);
    if (made && p.files == 0) rmdir(folder);
    if (st != ASSAY_OK) {
        assay_print_error("publish: %s", why);
        return st == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
    }
    printf("%d records published in %d files, %d refused\n", (int)p.records, (int)p.files, n.refused);
    return n.refused || !p.records ? ASSAY_EXIT_BROKEN : ASSAY_EXIT_HELD;
}

/* What is wrong with the command line, or NULL. */
static const char *misuse(const assay_strings *files, const char *reason)
{
    if (files->count < 2) return "expected DIR and files of records";
    if (!strcmp(files->at[0], "-")) return "-: expected a folder (./- is a name)";
    if (!reason || !reason[0]) return "--why: expected the reason that the baselines keep";
    if (strlen(reason) >= sizeof((assay_record *)0)->reason) return "--why: expected at most 159 characters";
    return NULL;
}

int assay_command_publish(int argc, char **argv)
{
    static const assay_usage usage = {
        "publish", "DIR RECORDS...",
        "Writes records (`assay bench --full --json`) as baselines into DIR/<device>/, a file for each workload,\n"
        "implementation and arithmetic. Refused, with the reason, is what nobody could trust or repeat: a calibration\n"
        "that drifted, a certificate that is not full, too few samples, sizes of --scale, a text of one's own, a "
        "build\n"
        "from changed sources, a run older than what is there.\n"
        "Exit status: 0 all were published, 1 some or all were refused.",
        "assay publish --why 'cpu: panels of 32 units' perf/baselines records.json"};
    assay_strings files = {{0}, 0};
    const char *reason = NULL;
    const assay_option options[] = {
        {"why", "TEXT", "why these are the baselines from now on; kept in each", ASSAY_TAKES_TEXT, &reason}, {0}};
    int status = assay_options_read(&usage, options, argc, argv, &files);
    if (status >= 0) return status;
    const char *wrong = misuse(&files, reason);
    if (wrong) {
        assay_print_error("publish: %s", wrong);
        return ASSAY_EXIT_USAGE;
    }
    assay_records list = {0};
    status = read_all(&files, &list);
    if (status == ASSAY_EXIT_HELD) status = publish(files.at[0], reason, &list);
    assay_records_free(&list);
    return status;
}
