/* certify_generators.c: Philox and MT19937 against published vectors, the original benchmarks' data against their
 * checksums. docs/workloads.md 1.1, 1.2; Random123, tests/kat_vectors
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include "reference/data.h"

#include <math.h>
#include <string.h>

static void philox(assay_proofs *c)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    int wrong = 0;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        uint32_t out[4];
        assay_philox(known[k].counter, known[k].key, out);
        wrong += memcmp(out, known[k].out, sizeof out) != 0;
    }
    c->op = "philox";
    strcpy(c->dialect, "4x32-10");
    assay_prove(c, "block", "Random123's known answers, blocks that differ", wrong, 0);
}

static void mt19937(assay_proofs *c)
{
    static const double eleven[] = {.18026969, .01947524, .46321853, .72493393, .4202036};
    static const int32_t zero[] = {5, 0, 3, 3, 7, 9, 3, 5, 2, 4};
    assay_mt19937 g;
    double error = 0;
    int wrong = 0;
    c->op = "mt19937";
    strcpy(c->dialect, "numpy");
    assay_mt_seed(&g, 11);
    for (int k = 0; k < 5; k++)
        error = fmax(error, fabs(assay_mt_double(&g) - eleven[k]));
    assay_prove(c, "double", "numpy, seed 11, published decimals, absolute", error, 5.1e-9);
    assay_mt_seed(&g, 42);
    assay_prove(c, "double", "numpy, seed 42, absolute", fabs(assay_mt_double(&g) - .3745401188473625), 0);
    assay_mt_seed(&g, 0);
    for (int k = 0; k < 10; k++)
        wrong += assay_mt_randint(&g, 0, 10) != zero[k];
    assay_prove(c, "randint", "numpy, seed 0, draws that differ", wrong, 0);
}

/* The one stream of groups a and b: x over (N, T, 123), then labels of a class drawn from low..high-1. */
static void original_data(assay_proofs *c)
{
    static const double first[] = {-0.63946062, -0.96104950, -0.07356295, 0.44986784};
    static const struct {
        const char *name;
        int n, t, low, high, labels;
        double last, sum, squares, label_sum;
    } sets[] = {
        {"a1", 25, 1000, 0, 15, 25, 0.30895612, -934.204804965, 1025953.562577, 115},
        {"a3", 25, 1000, 1, 58, 2500, 0.30895612, -934.204804965, 1025953.562577, 72518},
        {"b1", 64, 100, 0, 9, 64, 0.53806639, -732.329418364, 262550.683290, 232},
        {"b2", 32, 1000, 0, 9, 32, 0.16128781, -746.260377718, 1312839.069905, 132},
        {"b4", 32, 1000, 1, 58, 3200, 0.16128781, -746.260377718, 1312839.069905, 92103},
    };
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        assay_mt19937 g;
        double sum = 0, squares = 0, label_sum = 0, start = 0, x = 0;
        assay_mt_seed(&g, 11);
        for (int64_t j = 0; j < (int64_t)sets[k].n * sets[k].t * 123; j++) {
            x = assay_mt_uniform(&g);
            sum += x;
            squares += x * x;
            if (j < 4) start = fmax(start, fabs(x - first[j]));
        }
        for (int j = 0; j < sets[k].labels; j++)
            label_sum += assay_mt_randint(&g, sets[k].low, sets[k].high);
        c->op = "data";
        strcpy(c->dialect, sets[k].name);
        assay_prove(c, "x", "first four, published decimals, absolute", start, 5.1e-9);
        assay_prove(c, "x", "last, published decimals, absolute", fabs(x - sets[k].last), 5.1e-9);
        assay_prove(c, "x", "sum, published decimals, absolute", fabs(sum - sets[k].sum), 1e-8);
        assay_prove(c, "x", "sum of squares, published decimals, absolute", fabs(squares - sets[k].squares), 1e-5);
        assay_prove(c, "labels", "their sum, absolute", fabs(label_sum - sets[k].label_sum), 0);
    }
}

void assay_certify_generators(assay_proofs *c)
{
    philox(c);
    mt19937(c);
    original_data(c);
}
