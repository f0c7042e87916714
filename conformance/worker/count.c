/* count.c: the worker's malloc and kin: glibc's own, counted. "Nothing allocates in run" is a promise to be tested.
 * SPDX-License-Identifier: MIT
 *
 * The program's symbols come before those of libc in every library it loads, so plugins are counted too. Sanitizers
 * bring an allocator of their own: there nothing is counted. */
#include "conformance/worker/count.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#define COUNTED __attribute__((visibility("default")))

/* Allocators have no argument in which a counter could travel. */
static atomic_llong calls;

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
COUNTED void *malloc(size_t bytes);
COUNTED void *calloc(size_t count, size_t bytes);
COUNTED void *realloc(void *old, size_t bytes);
COUNTED void *memalign(size_t align, size_t bytes);
COUNTED void *aligned_alloc(size_t align, size_t bytes);
COUNTED int posix_memalign(void **out, size_t align, size_t bytes);

static void count(void)
{
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes)
{
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *old, size_t bytes)
{
    count();
    return __libc_realloc(old, bytes);
}

void *memalign(size_t align, size_t bytes)
{
    count();
    return __libc_memalign(align, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    return memalign(align, bytes);
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
    if (align % sizeof(void *) != 0 || (align & (align - 1)) != 0 || align == 0) return EINVAL;
    void *got = memalign(align, bytes);
    if (!got) return ENOMEM;
    *out = got;
    return 0;
}

int64_t assay_count_allocations(void)
{
    return atomic_load_explicit(&calls, memory_order_relaxed);
}

int assay_count_works(void)
{
    return 1;
}

#else

int64_t assay_count_allocations(void)
{
    return 0;
}

int assay_count_works(void)
{
    return 0;
}

#endif
