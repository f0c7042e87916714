/* learning_vowels.h: the Japanese Vowels of fixtures/vowels: nine speakers, utterances of 7 to 29 frames.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_LEARNING_VOWELS_H
#define ASSAY_LEARNING_VOWELS_H

#include "conformance/learning.h"

#define ASSAY_VOWELS_FRAMES   29
#define ASSAY_VOWELS_INPUTS   12
#define ASSAY_VOWELS_SPEAKERS 9

/* As of assay_task: reads train.ts and test.ts of the folder; utterances in an order drawn from the seed. */
assay_status assay_vowels_fill(const assay_task *task, const char *folder, uint64_t seed, assay_lesson *l, char *why,
                               size_t why_size);

#endif
