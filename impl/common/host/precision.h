/* precision.h: the real type of the including file: float, or double where HOST_F64 is defined first.
 * SPDX-License-Identifier: MIT
 *
 * A source that works in both precisions is a .inc that one .c file a precision includes; exported names carry the
 * precision through HOST(). */
#ifndef ASSAY_HOST_PRECISION_H
#define ASSAY_HOST_PRECISION_H

#ifdef HOST_F64
typedef double real;
#define HOST(name) assay_host_##name##_f64
#else
typedef float real;
#define HOST(name) assay_host_##name##_f32
#endif

/* Loops over vectors, compiled once per instruction set and chosen when the plugin is loaded: before ThreadSanitizer
 * works, so not with it. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define HOST_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HOST_CLONES
#endif

#endif
