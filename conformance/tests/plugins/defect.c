/* defect.c: plugins that are none, or don't open; compiled once a defect (the DEFECT_ definition).
 * SPDX-License-Identifier: MIT */
#include "impl/impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    (void)args;
    *out = NULL;
#if defined(DEFECT_FAILED)
    return ASSAY_FAILED;
#elif defined(DEFECT_EXPLAINED)
    return ASSAY_FAILED;
#elif defined(DEFECT_SLOW_ON_LOAD)
    return ASSAY_OK;
#else
    return ASSAY_NO_DEVICE;
#endif
}

static void close_ctx(assay_ctx *ctx)
{
    (void)ctx;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    (void)ctx, (void)p, (void)declared, (void)why;
    return ASSAY_UNSUPPORTED;
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    (void)ctx, (void)p, (void)out, (void)sizes;
    return ASSAY_FAILED;
}

static void plan_free(assay_plan *plan)
{
    (void)plan;
}

#ifndef DEFECT_NO_RUN
static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    (void)plan, (void)pass, (void)args, (void)stream;
    return ASSAY_FAILED;
}
#endif

#ifdef DEFECT_EXPLAINED
static const char *last(void)
{
    return "it rains";
}

static const void *extension(const char *id)
{
    static const assay_explains explains = {.last = last};
    return strcmp(id, ASSAY_EXT_EXPLAINS) == 0 ? &explains : NULL;
}
#endif

static const assay_impl self = {
#ifdef DEFECT_SHORT_TABLE
    .struct_size = 24,
#else
    .struct_size = sizeof self,
#endif
#ifdef DEFECT_OTHER_VERSION
    .abi_version = ASSAY_ABI_VERSION + 41,
#else
    .abi_version = ASSAY_ABI_VERSION,
#endif
#ifdef DEFECT_BAD_NAME
    .name = "Bad Name",
#else
    .name = "defect",
#endif
    .version = "1",
#ifdef DEFECT_OTHER_PLACE
    .place = ASSAY_CUDA + 1,
#endif
    .open = open_ctx,
    .close = close_ctx,
    .supports = supports,
    .plan = plan_make,
    .plan_free = plan_free,
#ifndef DEFECT_NO_RUN
    .run = run,
#endif
#ifdef DEFECT_EXPLAINED
    .extension = extension,
#endif
};

#ifdef DEFECT_CRASH_ON_LOAD
static void __attribute__((constructor)) crash(void)
{
    volatile uintptr_t null = 0;
    *(volatile int *)null = 1;
}
#endif
#ifdef DEFECT_HANG_ON_LOAD
static void __attribute__((constructor)) hang(void)
{
    const struct timespec hour = {3600, 0};
    nanosleep(&hour, NULL);
}
#endif
#ifdef DEFECT_SLOW_ON_LOAD
static void __attribute__((constructor)) dawdle(void)
{
    const struct timespec second = {1, 0};
    nanosleep(&second, NULL);
}
#endif
#ifdef DEFECT_PRINT_ON_LOAD
static void __attribute__((constructor)) print(void)
{
    fprintf(stderr, "loading\n");
}
#endif

#ifdef DEFECT_NO_ENTRY
ASSAY_EXPORT const assay_impl *other_entry(void);
ASSAY_EXPORT const assay_impl *other_entry(void)
#else
ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
#endif
{
#ifdef DEFECT_NULL_TABLE
    return getpid() < 0 ? &self : NULL;
#else
    return &self;
#endif
}
