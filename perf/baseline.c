/* baseline.c: baselines are records in a folder of their machine, under conditions.
 * SPDX-License-Identifier: MIT */
#include "perf/baseline.h"

#include "conformance/file.h"
#include "perf/device_roof.h"
#include "perf/workload.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_A_DAY 86400.
#define CLOCK_SHARE   0.03 /* as for calibrations: compare.c */

/* ---- what may be published ---- */

void assay_baseline_device(const assay_machine *m, char *out, size_t size)
{
    size_t used = 0;
    for (const char *at = m->cpu; *at && used + sizeof "-2147483647-cores" < size; at++) {
        const int kept = isalnum((unsigned char)*at) || (*at == '.' && used && out[used - 1] != '-');
        if (kept)
            out[used++] = (char)tolower((unsigned char)*at);
        else if (used && out[used - 1] != '-')
            out[used++] = '-';
    }
    if (used && out[used - 1] == '-') used--;
    snprintf(out + used, size - used, "-%d-cores", (int)m->cores);
}

void assay_baseline_device_of(const assay_record *r, char *out, size_t size)
{
    if (r->device.name[0])
        assay_device_name(r->device.name, out, size);
    else
        assay_baseline_device(&r->machine, out, size);
}

int assay_baseline_same_row(const assay_record *a, const assay_record *b)
{
    char x[ASSAY_BASELINE_DEVICE], y[ASSAY_BASELINE_DEVICE];
    if (strcmp(a->workload, b->workload) || strcmp(a->implementation, b->implementation) ||
        strcmp(a->arithmetic, b->arithmetic) || strcmp(a->phase, b->phase))
        return 0;
    assay_baseline_device_of(a, x, sizeof x);
    assay_baseline_device_of(b, y, sizeof y);
    return !strcmp(x, y);
}

/* Names go into paths. */
static int is_name(const char *text)
{
    return text[0] && text[0] != '.' && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-")];
}

static int has_device_name(const assay_record *r)
{
    char name[ASSAY_BASELINE_DEVICE];
    if (!r->device.name[0]) return 1;
    assay_device_name(r->device.name, name, sizeof name);
    return is_name(name);
}

static int is_documented(const char *id)
{
    for (int k = 0; k < assay_workload_count(); k++)
        if (!strcmp(assay_workload_get(k)->id, id)) return 1;
    return 0;
}

/* Seconds since 1970; NaN if it is no time. */
static double seconds_of(const char *text)
{
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return end && !*end ? (double)timegm(&utc) : NAN;
}

/* Why a device was slower than it can be, or NULL. Its cap on power is no such reason: it runs at its limit then. */
static const char *slowed_by(const assay_record *r)
{
    const char *const words[] = {r->device.throttle_before, r->device.throttle_after};
    for (int k = 0; k < 2; k++)
        if (words[k][0] && strcmp(words[k], "none") && strcmp(words[k], "power cap")) return words[k];
    return NULL;
}

int assay_baseline_is_fit(const assay_record *r, char *why, size_t why_size)
{
    const char *changed = strrchr(r->commit, '-');
    if (!is_documented(r->workload))
        snprintf(why, why_size, "'%.40s' is no documented workload", r->workload);
    else if (!is_name(r->implementation) || !is_name(r->arithmetic))
        snprintf(why, why_size, "'%.40s.%.8s' is no name that a file can have", r->implementation, r->arithmetic);
    else if (strcmp(r->data, "documented"))
        snprintf(why, why_size, "its data are another user's to have: '%.80s', expected documented ones", r->data);
    else if (!r->fit)
        snprintf(why, why_size, "its calibration drifted by %.1f %%", 100 * r->drift);
    else if (assay_record_is_disturbed(r))
        snprintf(why, why_size, "in %d of %d samples threads waited for a processor", (int)r->disturbed, (int)r->n);
    else if (slowed_by(r))
        snprintf(why, why_size, "its device was slowed down: %s", slowed_by(r));
    else if (!isfinite(r->calibration_before) || !isfinite(r->calibration_after))
        snprintf(why, why_size, "its calibration is not known");
    else if (!r->certificate_level[0])
        snprintf(why, why_size, "its certificate is of unknown level: expected full (assay bench --full)");
    else if (strcmp(r->certificate_level, "full"))
        snprintf(why, why_size, "its certificate is %s: expected full (assay bench --full)", r->certificate_level);
    else if (r->n < ASSAY_BASELINE_SAMPLES)
        snprintf(why, why_size, "%d samples: at least %d expected (assay bench --budget)", (int)r->n,
                 ASSAY_BASELINE_SAMPLES);
    else if (!r->commit[0] || (changed && !strcmp(changed, "-changed")))
        snprintf(why, why_size, "built from commit '%.40s': expected one that others can have, without changes",
                 r->commit);
    else if (!r->machine.cpu[0])
        snprintf(why, why_size, "its processor is not known");
    else if (!has_device_name(r))
        snprintf(why, why_size, "its device is called '%.80s': no name that a folder can have", r->device.name);
    else if (!isfinite(seconds_of(r->time)))
        snprintf(why, why_size, "measured at '%.31s': no time", r->time);
    else
        return 1;
    return 0;
}

/* ---- files ---- */

static int same_file(const assay_record *a, const assay_record *b)
{
    char x[ASSAY_BASELINE_DEVICE], y[ASSAY_BASELINE_DEVICE];
    assay_baseline_device_of(a, x, sizeof x);
    assay_baseline_device_of(b, y, sizeof y);
    return !strcmp(a->workload, b->workload) && !strcmp(a->implementation, b->implementation) &&
           !strcmp(a->arithmetic, b->arithmetic) && !strcmp(x, y);
}

/* 1 if no record before it belongs to the same file. */
static int is_first(const assay_records *list, int32_t at)
{
    for (int32_t k = 0; k < at; k++)
        if (same_file(&list->at[k], &list->at[at])) return 0;
    return 1;
}

/* file: 0 names the folder of the record's machine alone. */
static void path_of(const char *folder, const assay_record *r, int file, char *path, size_t size)
{
    char device[ASSAY_BASELINE_DEVICE];
    assay_baseline_device_of(r, device, sizeof device);
    if (file)
        snprintf(path, size, "%s/%s/%s.%s.%s.json", folder, device, r->workload, r->implementation, r->arithmetic);
    else
        snprintf(path, size, "%s/%s", folder, device);
}

/* The file that a record belongs to, appended to *out; nothing where there is none. */
static assay_status read_one(const char *folder, const assay_record *r, assay_records *out, char *why, size_t why_size)
{
    char path[PATH_MAX];
    const int32_t before = out->count;
    if (!is_documented(r->workload) || !is_name(r->implementation) || !is_name(r->arithmetic)) return ASSAY_OK;
    path_of(folder, r, 1, path, sizeof path);
    if (access(path, F_OK)) return ASSAY_OK;
    assay_status st = assay_records_read(path, out, why, why_size);
    for (int32_t k = before; k < out->count && st == ASSAY_OK; k++) {
        const assay_record *b = &out->at[k];
        if (same_file(b, r)) continue;
        snprintf(why, why_size, "%s: holds a record of %s %s %s on %.60s", path, b->workload, b->implementation,
                 b->arithmetic, b->machine.cpu);
        st = ASSAY_BAD_ARGUMENT;
    }
    return st;
}

static void forget(assay_records *list, int32_t count)
{
    while (list->count > count)
        free(list->at[--list->count].samples_ms);
}

assay_status assay_baseline_read(const char *folder, const assay_records *now, assay_records *out, char *why,
                                 size_t why_size)
{
    const int32_t before = out->count;
    assay_status st = ASSAY_OK;
    for (int32_t k = 0; k < now->count && st == ASSAY_OK; k++)
        if (is_first(now, k)) st = read_one(folder, &now->at[k], out, why, why_size);
    if (st != ASSAY_OK) forget(out, before);
    return st;
}

/* ---- publishing ---- */

/* Not older than what is published of this phase. */
static int is_newer(const assay_records *there, const assay_record *r, char *why, size_t why_size)
{
    const assay_record *old = assay_records_find(there, r->workload, r->implementation, r->arithmetic, r->phase);
    if (!old || !(seconds_of(old->time) > seconds_of(r->time))) return 1;
    snprintf(why, why_size, "measured at %s: what is there is of %s", r->time, old->time);
    return 0;
}

/* Phases that were published before and are not now stay as they are. */
static assay_status keep_others(const assay_records *there, assay_records *out)
{
    assay_status st = ASSAY_OK;
    for (int32_t k = 0; k < there->count && out->count && st == ASSAY_OK; k++) {
        const assay_record *r = &there->at[k];
        if (!assay_records_find(out, r->workload, r->implementation, r->arithmetic, r->phase))
            st = assay_records_add(out, r);
    }
    return st;
}

/* What the file that list->at[first] belongs to is to hold, into *out; samples stay their owners'. */
static assay_status gather(assay_publication *p, const assay_records *list, int32_t first, const assay_records *there,
                           assay_records *out, int32_t *fresh)
{
    char why[192];
    for (int32_t k = first; k < list->count; k++) {
        assay_record r = list->at[k];
        if (!same_file(&list->at[first], &r)) continue;
        if (!assay_baseline_is_fit(&r, why, sizeof why) || !is_newer(there, &r, why, sizeof why)) {
            p->refused(p->user, &list->at[k], why);
            continue;
        }
        snprintf(r.reason, sizeof r.reason, "%s", p->reason);
        if (assay_records_add(out, &r) != ASSAY_OK) return ASSAY_NO_MEMORY;
        (*fresh)++;
    }
    return keep_others(there, out);
}

static assay_status write_file(assay_publication *p, const assay_records *chosen, int32_t fresh, char *why,
                               size_t why_size)
{
    char path[PATH_MAX];
    path_of(p->folder, &chosen->at[0], 0, path, sizeof path);
    if (mkdir(path, 0755) && errno != EEXIST) {
        snprintf(why, why_size, "%s: cannot be made: %s", path, strerror(errno));
        return ASSAY_FAILED;
    }
    path_of(p->folder, &chosen->at[0], 1, path, sizeof path);
    assay_status st = assay_records_write(chosen, path, why, why_size);
    if (st != ASSAY_OK) return st;
    p->records += fresh;
    p->files++;
    if (p->wrote) p->wrote(p->user, path, fresh);
    return ASSAY_OK;
}

assay_status assay_baseline_publish(assay_publication *p, const assay_records *list, char *why, size_t why_size)
{
    assay_status st = ASSAY_OK;
    p->records = p->files = 0;
    for (int32_t k = 0; k < list->count && st == ASSAY_OK; k++) {
        assay_records chosen = {0}, there = {0};
        int32_t fresh = 0;
        if (!is_first(list, k)) continue;
        st = read_one(p->folder, &list->at[k], &there, why, why_size);
        if (st == ASSAY_OK && (st = gather(p, list, k, &there, &chosen, &fresh)) != ASSAY_OK)
            snprintf(why, why_size, "no memory for the records of %s", list->at[k].workload);
        if (st == ASSAY_OK && chosen.count) st = write_file(p, &chosen, fresh, why, why_size);
        free(chosen.at); /* samples are the lists' */
        assay_records_free(&there);
    }
    return st;
}

/* ---- judging ---- */

/* What is not known agrees: the calibrations are there all the same. */
static int agree(const char *what, const char *unit, double base, double now, char *why, size_t why_size)
{
    if (!(base > 0) || !(now > 0) || fabs(now / base - 1) <= CLOCK_SHARE) return 1;
    snprintf(why, why_size, "%s differ: %.4g %s, then %.4g %s: more than %.0f %% apart", what, base, unit, now, unit,
             100 * CLOCK_SHARE);
    return 0;
}

/* Of rows on a device: its name has agreed before. */
static int same_state(const assay_record_device *base, const assay_record_device *now, char *why, size_t why_size)
{
    if (strcmp(base->driver, now->driver)) {
        snprintf(why, why_size, "drivers differ: '%s', then '%s'", base->driver, now->driver);
        return 0;
    }
    return agree("clocks", "MHz", base->sm_mhz_before, now->sm_mhz_before, why, why_size) &&
           agree("clocks", "MHz", base->sm_mhz_after, now->sm_mhz_after, why, why_size) &&
           agree("memory clocks", "MHz", base->memory_mhz, now->memory_mhz, why, why_size) &&
           agree("power limits", "W", base->power_limit_w, now->power_limit_w, why, why_size);
}

static int stands(const assay_record *base, const assay_record *now, char *why, size_t why_size)
{
    char unfit[144];
    const double days = (seconds_of(now->time) - seconds_of(base->time)) / SECONDS_A_DAY;
    if (!assay_baseline_is_fit(base, unfit, sizeof unfit))
        snprintf(why, why_size, "the baseline is unfit: %s", unfit);
    else if (strcmp(base->version, now->version))
        snprintf(why, why_size, "libraries differ: '%.70s', then '%.70s'", base->version, now->version);
    else if (strcmp(base->machine.os, now->machine.os))
        snprintf(why, why_size, "systems differ: '%.60s', then '%.60s'", base->machine.os, now->machine.os);
    else if (slowed_by(now))
        snprintf(why, why_size, "this run's device was slowed down: %s", slowed_by(now));
    else if (!same_state(&base->device, &now->device, why, why_size))
        return 0;
    else if (!(days >= 0))
        snprintf(why, why_size, "the baseline was measured later than this run: %s", base->time);
    else if (!(days <= ASSAY_BASELINE_DAYS))
        snprintf(why, why_size, "the baseline is %.0f days old: at most %d count", days, ASSAY_BASELINE_DAYS);
    else
        return 1;
    return 0;
}

assay_status assay_baseline_judge(const assay_records *baseline, const assay_records *now, assay_comparisons *out,
                                  char *why, size_t why_size)
{
    assay_status st = assay_compare_lists(baseline, now, NULL, NULL, out, why, why_size);
    for (int32_t k = 0; st == ASSAY_OK && k < out->count; k++) {
        assay_comparison *c = &out->at[k];
        char reason[sizeof c->why];
        if (stands(c->before, c->after, reason, sizeof reason)) continue;
        out->counts[c->change]--;
        out->counts[ASSAY_UNDECIDED]++;
        c->change = ASSAY_UNDECIDED;
        c->median = c->ratio.low = c->ratio.high = NAN;
        memcpy(c->why, reason, sizeof c->why);
    }
    return st;
}
