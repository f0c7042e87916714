/* mkl.c: oneMKL behind library.h: its sequential layer.
 * SPDX-License-Identifier: MIT */
#include "impl/blas/library.h"

#include <cblas.h>
#include <link.h>
#include <mkl_service.h>
#include <stdio.h>
#include <string.h>

const char blas_library_plugin[] = "blas-mkl";

/* "avx512" of .../libmkl_avx512.so.3: libraries of kernels are those that need no other part to be named. */
static int note_kernels(struct dl_phdr_info *info, size_t size, void *out)
{
    static const char *const others[] = {"intel_lp64", "sequential", "core"};
    const char *at = info->dlpi_name ? strstr(info->dlpi_name, "/libmkl_") : NULL;
    (void)size;
    if (!at) return 0;
    at += strlen("/libmkl_");
    const int length = (int)strcspn(at, ".");
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (length == (int)strlen(others[k]) && !strncmp(at, others[k], (size_t)length)) return 0;
    snprintf(out, 16, "%.*s", length, at);
    return 1;
}

/* Which kernels it takes it decides in the first product. */
static void find_kernels(char kernels[16])
{
    const float one = 1;
    float product = 0;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &one, 1, &one, 1, 0, &product, 1);
    dl_iterate_phdr(note_kernels, kernels);
}

const char *blas_library_version(void)
{
    static char text[96];
    char kernels[16] = "";
    MKLVersion v;
    mkl_get_version(&v);
    find_kernels(kernels);
    snprintf(text, sizeof text, "oneMKL %d.%d.%d, build %.16s, %s", v.MajorVersion, v.UpdateVersion, v.PatchVersion,
             v.Build, kernels);
    return text;
}

void blas_library_use_one_thread(void)
{
    mkl_set_num_threads(1);
}

/* Small products are its own affair: it wants none of the pieces of product.inc. */
int blas_library_has_small_kernels(void)
{
    return 0;
}
