/* library.h: what `blas` asks of a BLAS library beyond cblas_sgemm and cblas_dgemm; one file a library answers it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_BLAS_LIBRARY_H
#define ASSAY_BLAS_LIBRARY_H

/* Of the plugin that is linked with it. */
extern const char blas_library_plugin[];

/* Name, version and kernels of the library that was loaded (not of its headers), one line, static. From one thread. */
const char *blas_library_version(void);

/* From now on each product runs on the thread that asks for it, in the whole process. */
void blas_library_use_one_thread(void);

/* 1: it has kernels for small products, which do not pack the factors (product.inc). Any thread. */
int blas_library_has_small_kernels(void);

#endif
