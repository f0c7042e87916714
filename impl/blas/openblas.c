/* openblas.c: OpenBLAS behind library.h.
 * SPDX-License-Identifier: MIT */
#include "impl/blas/library.h"

#include <cblas.h>
#include <stddef.h>
#include <strings.h>

const char blas_library_plugin[] = "blas";

const char *blas_library_version(void)
{
    return openblas_get_config();
}

void blas_library_use_one_thread(void)
{
    openblas_set_num_threads(1);
}

/* They are written for AVX-512. */
int blas_library_has_small_kernels(void)
{
    static const char *const cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    const char *name = openblas_get_corename();
    int found = 0;
    for (size_t k = 0; name && k < sizeof cores / sizeof *cores; k++)
        found |= strcasecmp(name, cores[k]) == 0;
    return found;
}
