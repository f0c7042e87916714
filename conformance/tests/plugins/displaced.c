/* displaced.c: an honest implementation of the host that says its place is a device: all its work is put off until
 * somebody waits for the stand-in of a driver (fake/driver.h). SPDX-License-Identifier: MIT
 *
 * It refuses pointers that the ABI does not allow there: tensors and blocks outside of the device's memory, integers
 * that differ between their two places. Built once more a defect (DISPLACED_...). */
#include "conformance/mutants/entry.h"
#include "conformance/tests/fake/driver.h"
#include "reference/tensors.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 16, PACK = -1, UNPACK = -2 };

typedef struct job {
    struct assay_plan *plan;
    assay_args args;
    int what; /* assay_pass, or one of the two above */
} job;

struct assay_plan {
    assay_plan *honest;
    assay_problem p;
    assay_sizes sizes;
    job jobs[JOBS]; /* a program of calls is no longer */
    int next;
    assay_status failed; /* of work that was put off: told by the next call */
};

/* Filled in open(), read by every plan: the functions of a library, as a linker would fill them. */
static fake_enqueue *enqueue;
static fake_owns *owns;
static fake_lose *lose;

static int find(void *library, const char *name, void *out)
{
    void *symbol = library ? dlsym(library, name) : NULL;
    memcpy(out, &symbol, sizeof symbol);
    return symbol != NULL;
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD); /* the worker's, or nothing */
    if (!find(library, "fake_cuda_enqueue", &enqueue) || !find(library, "fake_cuda_owns", &owns) ||
        !find(library, "fake_cuda_lose", &lose))
        return ASSAY_NO_DEVICE;
    return assay_honest_entry()->open(args, out);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    assay_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return ASSAY_NO_MEMORY;
    assay_status st = assay_honest_entry()->plan(ctx, p, &plan->honest, sizes);
    plan->p = *p;
    plan->sizes = *sizes;
    if (st == ASSAY_OK) {
        *out = plan;
        return ASSAY_OK;
    }
    free(plan);
    return st;
}

static void plan_free(assay_plan *plan)
{
    if (plan) assay_honest_entry()->plan_free(plan->honest);
    free(plan);
}

static void spoil(const job *j)
{
#if defined(DISPLACED_PAST_WORKSPACE)
    if (j->args.workspace) ((unsigned char *)j->args.workspace)[j->plan->sizes.workspace] = 0;
#elif defined(DISPLACED_BEFORE_RESERVE)
    if (j->args.reserve) ((unsigned char *)j->args.reserve)[-2] = 0;
#elif defined(DISPLACED_PAST_Y)
    const assay_problem *p = &j->plan->p;
    if (j->args.y) ((float *)j->args.y)[(int64_t)p->t * p->n * assay_output_width(p)] = 0;
#elif defined(DISPLACED_WRITES_INPUT)
    if (j->args.x) ((float *)j->args.x)[0] += 1;
#elif defined(DISPLACED_LOSES)
    if (j->plan->p.t == 7) lose();
#endif
    (void)j;
}

static void work(void *argument)
{
    job *j = argument;
    assay_plan *plan = j->plan;
    const assay_impl *honest = assay_honest_entry();
    assay_status st = j->what == PACK     ? honest->pack(plan->honest, &j->args, NULL)
                      : j->what == UNPACK ? honest->unpack(plan->honest, &j->args, NULL)
                                          : honest->run(plan->honest, (assay_pass)j->what, &j->args, NULL);
    spoil(j);
    if (st != ASSAY_OK) plan->failed = st;
}

static int block_lies_there(const void *block, uint64_t bytes)
{
    return bytes ? owns(block, (size_t)bytes) && (uintptr_t)block % 64 == 0 : block == NULL;
}

/* Of the device, and not what the host sees; the same numbers in both places. */
static int twin_is_right(const int32_t *host, const int32_t *device)
{
    if (!host || !device) return !host && !device;
    return !owns(host, 4) && owns(device, 4);
}

static int lies_there(const void *tensor)
{
    return !tensor || owns(tensor, 1);
}

static int as_promised(const assay_plan *plan, const assay_args *a, assay_stream stream)
{
    const void *const slots[] = {a->x, a->h0, a->c0, a->mask,   a->class_weights, a->dy,   a->dhn, a->dcn, a->dloss,
                                 a->y, a->hn, a->cn, a->logits, a->loss_rows,     a->loss, a->dx,  a->dh0, a->dc0};
    int good = stream != NULL && block_lies_there(a->packed, plan->sizes.packed) &&
               block_lies_there(a->grads, plan->sizes.grads) && block_lies_there(a->workspace, plan->sizes.workspace) &&
               block_lies_there(a->reserve, plan->sizes.reserve) && twin_is_right(a->ids, a->ids_dev) &&
               twin_is_right(a->lens, a->lens_dev) && twin_is_right(a->labels, a->labels_dev) &&
               twin_is_right(a->label_lens, a->label_lens_dev);
    for (size_t k = 0; k < sizeof slots / sizeof *slots; k++)
        good = good && lies_there(slots[k]);
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++)
        good = good && lies_there(a->param[k]) && lies_there(a->dparam[k]) && lies_there(a->param_1[k]);
    return good;
}

static assay_status put_off(assay_plan *plan, int what, const assay_args *args, assay_stream stream)
{
    job *j = &plan->jobs[plan->next++ % JOBS];
    assay_status st = plan->failed;
    plan->failed = ASSAY_OK;
    if (st != ASSAY_OK) return st;
    if (!as_promised(plan, args, stream)) return ASSAY_BAD_ARGUMENT;
    *j = (job){plan, *args, what};
    /* Half of all integers are read in the device's copy, half in the host's: both have to be right. */
    if (plan->p.t % 2) {
        j->args.ids = args->ids_dev;
        j->args.lens = args->lens_dev;
        j->args.labels = args->labels_dev;
        j->args.label_lens = args->label_lens_dev;
    }
    return enqueue(work, j) ? ASSAY_OK : ASSAY_FAILED;
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    return put_off(plan, PACK, args, stream);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    return put_off(plan, pass, args, stream);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    return put_off(plan, UNPACK, args, stream);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = "displaced";
    self.place = ASSAY_CUDA;
    self.open = open_ctx;
    self.plan = plan_make;
    self.plan_free = plan_free;
    self.pack = pack;
    self.run = run;
    self.unpack = unpack;
    return &self;
}
