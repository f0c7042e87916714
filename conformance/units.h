/* units.h: hidden units that change places, in every tensor that has them: another name for the same network.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_UNITS_H
#define ASSAY_UNITS_H

#include "conformance/values.h"

/* to = from with units a and b, 0 <= a, b < S, exchanged in all layers and directions: in weights, states, outputs and
 * their gradients (with a projection: unit a of the cell and unit a of the state alike). p: an rnn problem. Tensors
 * that `to` lacks are left out; those that `from` lacks are freed in `to`. Twice is the identity. */
void assay_units_exchange(const assay_problem *p, int a, int b, const assay_values *from, assay_values *to);

#endif
