/* golden.c: golden vectors as part of `assay truth`: the manifest, one line a file, one a source.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/golden.h"

#include "conformance/file.h"
#include "conformance/golden.h"
#include "conformance/hash.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_MANIFEST = 1 << 20, MOST_SOURCES = 32 };

/* The tensor of some vectors that came closest to its bound, or passed it. */
typedef struct worst {
    char tensor[24], file[128];
    double error, bound;
    int tensors, beyond;
} worst;

typedef struct source {
    char name[72]; /* and version */
    int files, beyond;
    worst of;
} source;

typedef struct reading {
    const char *folder;
    assay_golden_tally *tally;
    source sources[MOST_SOURCES];
    int source_count;
} reading;

static int closer(const worst *w, double error, double bound)
{
    return w->tensors == 0 || !(error / bound <= w->error / w->bound);
}

static void on_tensor(void *user, const assay_golden_difference *d)
{
    worst *w = user;
    if (closer(w, d->error, d->bound)) {
        w->error = d->error;
        w->bound = d->bound;
        snprintf(w->tensor, sizeof w->tensor, "%s", d->tensor);
    }
    w->tensors++;
    w->beyond += !(d->error <= d->bound);
}

static source *source_of(reading *r, const assay_golden *g)
{
    char name[72];
    snprintf(name, sizeof name, "%s %s", g->source, g->version);
    for (int k = 0; k < r->source_count; k++)
        if (!strcmp(r->sources[k].name, name)) return &r->sources[k];
    if (r->source_count == MOST_SOURCES) return NULL;
    source *s = &r->sources[r->source_count++];
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static void add_to_source(reading *r, const assay_golden *g, const worst *w)
{
    source *s = source_of(r, g);
    if (!s) return; /* more sources than lines: the files' own lines stand */
    const int tensors = s->of.tensors + w->tensors;
    if (closer(&s->of, w->error, w->bound)) s->of = *w;
    s->of.tensors = tensors;
    s->files++;
    s->beyond += w->beyond > 0;
}

static void unreadable(reading *r, const char *why)
{
    assay_print_error("truth: golden vectors: %s", why);
    r->tally->unreadable++;
}

static void report(reading *r, const char *file, const assay_golden *g, const worst *w)
{
    const int holds = w->beyond == 0;
    assay_print_colour(holds ? ASSAY_GREEN : ASSAY_RED, 7, holds ? "holds" : "BROKEN");
    printf("%-44s %4d tensors, %-14s error %.1e, bound %.0e\n", file, w->tensors, w->tensor, w->error, w->bound);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:b}", "file", file, "source", g->source,
                            "version", g->version, "why", g->why, "tensors", w->tensors, "worst", w->tensor, "error",
                            assay_output_real(w->error), "bound", assay_output_real(w->bound), "holds", holds);
    if (json_array_append_new(r->tally->rows, row)) r->tally->unreadable++; /* no memory */
    r->tally->files++;
    r->tally->tensors += w->tensors;
    r->tally->beyond += !holds;
    add_to_source(r, g, w);
}

static void compare(reading *r, const char *hash, const char *file)
{
    char path[4096], why[512], have[ASSAY_HEX];
    assay_golden g;
    worst w;
    memset(&w, 0, sizeof w);
    snprintf(w.file, sizeof w.file, "%s", file);
    snprintf(path, sizeof path, "%s/%s", r->folder, file);
    if (assay_hash_file(path, have, why, sizeof why) != ASSAY_OK) {
        unreadable(r, why);
        return;
    }
    if (strcmp(have, hash) != 0) {
        snprintf(why, sizeof why, "%s: SHA-256 %.12s, expected %.12s as MANIFEST has it", file, have, hash);
        unreadable(r, why);
        return;
    }
    assay_status st = assay_golden_read(path, &g, why, sizeof why);
    if (st == ASSAY_OK) st = assay_golden_compare(&g, on_tensor, &w, why, sizeof why);
    if (st == ASSAY_OK)
        report(r, file, &g, &w);
    else
        unreadable(r, why);
    assay_golden_free(&g);
}

/* Files of the folder that the manifest, a copy of its text, does not name. */
static void look_for_more(reading *r, const char *manifest)
{
    DIR *folder = opendir(r->folder);
    for (const struct dirent *e; folder && (e = readdir(folder));) {
        char line[512], why[512];
        if (e->d_name[0] == '.' || !strcmp(e->d_name, "MANIFEST")) continue;
        snprintf(line, sizeof line, "  %s\n", e->d_name);
        if (strstr(manifest, line)) continue;
        snprintf(why, sizeof why, "%.255s: not in MANIFEST", e->d_name);
        unreadable(r, why);
    }
    if (folder) closedir(folder);
}

static void read_manifest(reading *r, char *text)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && !assay_interrupted();) {
        char hash[ASSAY_HEX], file[128], end;
        if (!*line || *line == '#') continue;
        if (sscanf(line, "%64[0-9a-f]  %127[A-Za-z0-9._-]%c", hash, file, &end) != 2 || strlen(hash) != 64)
            unreadable(r, "MANIFEST: a line that is neither a comment nor a hash and a file");
        else
            compare(r, hash, file);
    }
}

static void print_sources(const reading *r)
{
    printf("%-40s %6s %8s %7s %9s %9s  %s\n", "golden vectors of", "files", "tensors", "broken", "error", "bound",
           "closest to its bound");
    for (int k = 0; k < r->source_count; k++) {
        const source *s = &r->sources[k];
        printf("%-40s %6d %8d %7d %9.1e %9.0e  %s %s\n", s->name, s->files, s->of.tensors, s->beyond, s->of.error,
               s->of.bound, s->of.file, s->of.tensor);
    }
}

void assay_golden_folder(const char *folder, assay_golden_tally *out)
{
    char path[4096], why[512];
    char *text = NULL;
    size_t size = 0;
    reading r = {.folder = folder, .tally = out};
    memset(out, 0, sizeof *out);
    out->rows = json_array();
    snprintf(path, sizeof path, "%s/MANIFEST", folder);
    if (assay_file_read(path, LARGEST_MANIFEST, &text, &size, why, sizeof why) != ASSAY_OK) {
        unreadable(&r, why);
        return;
    }
    look_for_more(&r, text);
    read_manifest(&r, text);
    print_sources(&r);
    free(text);
}
