/* sweep.c: gpu-sweep: the recurrent layers of every documented workload, planned by a plugin that says what it tried:
 * each algorithm's time, or the library's answer. SPDX-License-Identifier: MIT
 *
 * Usage: gpu-sweep PLUGIN [ARITHMETIC]   fp32 unless told. A plan is all that is made: nothing is checked, and a number
 * here is a help to choose by, never a record. Exit status 77 without a device. Not yet run on a GPU. */
#include "reference/tensors.h"
#include "impl/impl.h"
#include "perf/workload.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { SKIPPED = 77 };

static const assay_impl *load(const char *path)
{
    typedef const assay_impl *entry_point(void);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *symbol = library ? dlsym(library, "assay_impl_entry") : NULL;
    entry_point *entry;
    if (!symbol) return NULL;
    memcpy(&entry, &symbol, sizeof entry);
    return entry();
}

/* What is recurrent of a network, by itself. */
static assay_problem layers_of(const assay_problem *network, int arithmetic)
{
    assay_problem p = *network;
    p.op = ASSAY_OP_RNN;
    p.arithmetic = arithmetic;
    p.vocab = p.classes = p.max_label = p.labels = p.head = p.loss = p.dense_bias = p.optimizer = 0;
    p.lr = p.beta1 = p.beta2 = p.epsilon = 0;
    return p;
}

static int plan(const assay_impl *impl, assay_ctx *ctx, const assay_workload *w, int arithmetic)
{
    const assay_explains *explains = impl->extension ? impl->extension(ASSAY_EXT_EXPLAINS) : NULL;
    const assay_problem p = layers_of(&w->problem, arithmetic);
    assay_arithmetic declared;
    assay_plan *made = NULL;
    assay_sizes sizes;
    const char *why = "no reason given";
    if (impl->supports(ctx, &p, &declared, &why) != ASSAY_OK) {
        printf("%s: UNSUPPORTED: %s\n", w->id, why);
        return 0;
    }
    if (impl->plan(ctx, &p, &made, &sizes) != ASSAY_OK) {
        printf("%s: no plan: %s\n", w->id, explains && explains->last ? explains->last() : why);
        return 1;
    }
    printf("%s: %s; workspace %llu MiB, reserve %llu MiB\n", w->id,
           explains && explains->notes ? explains->notes(made) : "it says nothing",
           (unsigned long long)(sizes.workspace >> 20), (unsigned long long)(sizes.reserve >> 20));
    impl->plan_free(made);
    return 0;
}

static int format_by_name(const char *name)
{
    for (int f = ASSAY_FP64; f <= ASSAY_FP16; f++)
        if (!strcmp(assay_format_name(f), name)) return f;
    return -1;
}

int main(int argc, char **argv)
{
    const assay_open_args one = {.struct_size = sizeof one, .threads = 1};
    const assay_impl *impl = argc == 2 || argc == 3 ? load(argv[1]) : NULL;
    const int arithmetic = format_by_name(argc == 3 ? argv[2] : "fp32");
    assay_ctx *ctx = NULL;
    int failed = 0;
    if (!impl || arithmetic < 0) {
        fprintf(stderr,
                "usage: gpu-sweep PLUGIN [ARITHMETIC]: expected a shared object with assay_impl_entry; fp64, fp32, "
                "tf32, bf16 or fp16\n");
        return 2;
    }
    assay_status st = impl->open(&one, &ctx);
    if (st != ASSAY_OK) {
        const assay_explains *explains = impl->extension ? impl->extension(ASSAY_EXT_EXPLAINS) : NULL;
        printf("%s: not opened: %s\n", argv[1], explains && explains->last ? explains->last() : "no reason given");
        return st == ASSAY_NO_DEVICE ? SKIPPED : 1;
    }
    for (int k = 0; k < assay_workload_count(); k++)
        failed |= plan(impl, ctx, assay_workload_get(k), arithmetic);
    impl->close(ctx);
    return failed;
}
