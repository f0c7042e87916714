/* blis.c: BLIS behind library.h.
 * SPDX-License-Identifier: MIT */
#include "impl/blas/library.h"

#include <blis.h>
#include <stdio.h>

const char blas_library_plugin[] = "blas-blis";

const char *blas_library_version(void)
{
    static char text[96];
    snprintf(text, sizeof text, "BLIS %s %s", bli_info_get_version_str(), bli_arch_string(bli_arch_query_id()));
    return text;
}

void blas_library_use_one_thread(void)
{
    bli_thread_set_num_threads(1);
}

/* Its small kernels choose by themselves whether to pack, and none of them wants the pieces of product.inc. */
int blas_library_has_small_kernels(void)
{
    return 0;
}
