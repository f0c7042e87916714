/* floors.c: stored floors as JSON, valid only for the problem and the reference sources that they were measured with.
 * SPDX-License-Identifier: MIT */
#include "conformance/floors.h"

#include "conformance/file.h"
#include "conformance/hash.h"
#include "reference/tensors.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* <folder>/<id with / as _>.<arithmetic>.u<activation error>.json; "*" for any error. */
static void path_of(const char *folder, const char *case_id, const char *arithmetic, const char *activation, char *path,
                    size_t size)
{
    int n = snprintf(path, size, "%s/%s.%s.u%s.json", folder, case_id, arithmetic, activation);
    for (int k = (int)strlen(folder) + 1; k < n && k < (int)size; k++)
        if (path[k] == '/') path[k] = '_';
}

/* What the numbers depend on: the problem, and every source of the reference and its generators; of a narrow format,
 * those of its rounded sums too. */
static void generator_of(const assay_problem *p, char hex[65])
{
    static const char plain[] = ASSAY_REFERENCE_HASH, narrow[] = ASSAY_REFERENCE_HASH ASSAY_ROUNDED_HASH;
    const size_t size = p->arithmetic > ASSAY_FP32 ? sizeof narrow : sizeof plain;
    char bytes[sizeof *p + sizeof narrow];
    memcpy(bytes, p, sizeof *p);
    memcpy(bytes + sizeof *p, p->arithmetic > ASSAY_FP32 ? narrow : plain, size);
    assay_hash_bytes(bytes, sizeof *p + size, hex);
}

static int read_tensors(const assay_problem *p, json_t *tensors, assay_floor *floor)
{
    const char *name;
    json_t *item;
    json_object_foreach(tensors, name, item)
    {
        int id = assay_tensor_by_name(p, name);
        if (id < 0) return 0;
        if (json_unpack(item, "[F, F, F, F, F]", &floor[id].phi, &floor[id].phi_row, &floor[id].phi_element,
                        &floor[id].row_sum, &floor[id].scale) != 0)
            return 0;
        if (!(floor[id].phi >= 0 && floor[id].phi_row >= 0 && floor[id].phi_element >= 0 && floor[id].row_sum >= 0 &&
              floor[id].scale >= 0))
            return 0;
    }
    return 1;
}

/* One file; o is changed only if it fits and its activation error is larger than that of what o holds. */
static void read_file(const char *path, const assay_problem *p, const assay_arithmetic *a, assay_oracle *o)
{
    char why[256], want[65];
    char *text = NULL;
    size_t size = 0;
    const char *generator;
    double activation;
    int format, seeds;
    json_t *tensors;
    json_error_t error;
    assay_floor floor[ASSAY_TENSORS] = {{0}};
    if (assay_file_read(path, 1u << 20, &text, &size, why, sizeof why) != ASSAY_OK) return;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    generator_of(p, want);
    int ok = root && json_unpack(root, "{s:i, s:s, s:F, s:i, s:o}", "assay_floors", &format, "generator", &generator,
                                 "activation_ulp", &activation, "seeds", &seeds, "tensors", &tensors) == 0;
    ok = ok && format == 2 && !strcmp(generator, want) && activation <= a->activation_ulp &&
         activation > o->activation_ulp && read_tensors(p, tensors, floor);
    if (ok) {
        memcpy(o->floor, floor, sizeof o->floor);
        o->method = ASSAY_FLOOR_STORED;
        o->runs = seeds * ASSAY_FLOOR_RUNS;
        o->activation_ulp = activation;
    }
    json_decref(root);
}

int assay_floors_read(const char *folder, const char *case_id, const assay_problem *p, const assay_arithmetic *a,
                      assay_oracle *o)
{
    char path[4096];
    glob_t found;
    const char *name = assay_arithmetic_name(a);
    if (!name || (p->arithmetic > ASSAY_FP32 && !assay_arithmetic_has_rounded(a))) return 0;
    path_of(folder, case_id, name, "*", path, sizeof path);
    o->activation_ulp = 0;
    if (glob(path, GLOB_NOSORT, NULL, &found) != 0) return 0;
    for (size_t k = 0; k < found.gl_pathc; k++)
        read_file(found.gl_pathv[k], p, a, o);
    globfree(&found);
    return o->activation_ulp > 0;
}

assay_status assay_floors_write(const char *folder, const char *case_id, const assay_problem *p,
                                const assay_arithmetic *a, const assay_floor *floor, int seeds, double spread,
                                char *why, size_t why_size)
{
    const int rounded = p->arithmetic > ASSAY_FP32;
    const char *name = assay_arithmetic_name(a);
    char path[4096], generator[65], activation[32];
    assay_tensor list[ASSAY_TENSORS];
    json_t *tensors = json_object();
    int bad = 0;
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_floor *f = &floor[list[k].id];
        if (!((1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT) >> list[k].role & 1u)) continue;
        bad |=
            json_object_set_new(tensors, list[k].name,
                                json_pack("[f, f, f, f, f]", f->phi, f->phi_row, f->phi_element, f->row_sum, f->scale));
    }
    generator_of(p, generator);
    json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:f, s:i, s:i, s:f, s:s, s:o}", "assay_floors", 2, "case", case_id,
                             "arithmetic", name ? name : "", "generator", generator, "activation_ulp",
                             a->activation_ulp, "seeds", seeds, "runs", seeds * ASSAY_FLOOR_RUNS, "spread", spread,
                             "method", rounded ? "rounded" : "block", "tensors", tensors);
    char *text =
        root && name && !bad ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    if (!text) {
        snprintf(why, why_size, "floors of %s: %s", case_id,
                 name ? "a floor is not a finite number" : "an arithmetic without a name");
        return ASSAY_FAILED;
    }
    snprintf(activation, sizeof activation, "%g", a->activation_ulp);
    path_of(folder, case_id, name, activation, path, sizeof path);
    assay_status st = assay_file_write(path, text, strlen(text), why, why_size);
    free(text);
    return st;
}
