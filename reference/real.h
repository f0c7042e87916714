/* real.h: the scalar of the reference and the places where an arithmetic rounds. One source, five builds:
 * SPDX-License-Identifier: MIT
 *
 *   ASSAY_BUILD_F64    C,   real = double: the truth. The macros cost nothing.
 *   ASSAY_BUILD_F128   C,   real = _Float128 (gcc): bounds the truth's own error, central differences.
 *   ASSAY_BUILD_SR     C++, real = a class that rounds every operation as rounding.h says: floors, quantised oracles.
 *   ASSAY_BUILD_NOISE  C,   real = double, the hooks filled: rounded operands and stores, block noise after each
 *                           product: oracles and floors of large shapes at the speed of the first build.
 *   ASSAY_BUILD_DUAL   C++, real = a value and its derivative along a direction: the second proof of every gradient.
 *
 * Sources that include this header stay in the common subset of C11 and C++17: no designated initialisers, compound
 * literals, variable-length arrays or restrict; casts after malloc. Every function with a `real` in its signature is
 * named through REF(), so that the five builds live in one program. */
#ifndef ASSAY_REAL_H
#define ASSAY_REAL_H

#include <math.h>
#include <stdint.h>

#define ASSAY_PASTE(a, b, c)     a##b##c
#define ASSAY_NAME(name, suffix) ASSAY_PASTE(assay_ref_, name, suffix)

#if defined(ASSAY_BUILD_SR)
#include "reference/real_sr.hpp"
#define REF(name) ASSAY_NAME(name, _sr)
#elif defined(ASSAY_BUILD_DUAL)
#include "reference/real_dual.hpp"
#define REF(name) ASSAY_NAME(name, _dual)
#elif defined(ASSAY_BUILD_NOISE)
#include "reference/real_noise.h"
#define REF(name) ASSAY_NAME(name, _noise)
#elif defined(ASSAY_BUILD_F128)
typedef _Float128 real;
#define REF(name) ASSAY_NAME(name, _f128)
#define R_EXP(x)  expf128(x)
#define R_LOG(x)  logf128(x)
#define R_TANH(x) tanhf128(x)
#define R_SQRT(x) sqrtf128(x)
#else
typedef double real;
#define REF(name) ASSAY_NAME(name, _f64)
#define R_EXP(x)  exp(x)
#define R_LOG(x)  log(x)
#define R_TANH(x) tanh(x)
#define R_SQRT(x) sqrt(x)
#endif

/* What real_sr.hpp and real_noise.h define themselves; the defaults are those of the exact builds.
 *   OPERAND(x)    x as it enters a product
 *   STORE(x)      x as it is kept in memory: outputs, states, gates, gradients
 *   ROUNDED(x)    an elementwise result that is used but not kept
 *   MAC(s, a, b)  s + a b, one step of an accumulation
 *   SUM_AT(j, n)  the index that a sum of n terms takes as its j-th: the order of a sum
 *   TO_DOUBLE(x)  for comparison and print, never inside the mathematics */
#ifndef OPERAND
#define OPERAND(x)   (x)
#define STORE(x)     (x)
#define ROUNDED(x)   (x)
#define MAC(s, a, b) ((s) + (a) * (b))
#define SUM_AT(j, n) (j)
#define TO_DOUBLE(x) ((double)(x))
#endif

/* Exact small constants only: R(0.5), R(1). */
#define R(c) ((real)(c))

#endif
