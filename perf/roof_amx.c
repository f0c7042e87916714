/* roof_amx.c: as roof_bf16.c, by the tiles of AMX, for which a process has to ask first.
 * SPDX-License-Identifier: MIT */
#include "perf/roof_kernel.h"

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHAINS = 6, SIDE = 16, TERMS = 32, TILES = CHAINS + 2 };
enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };

int assay_roof_amx_usable(void)
{
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}

typedef struct config {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} config;

/* As there: factors of 2^-8, so a round adds 2^-11 to each of the sums, which start from 1 .. 6. */
static float loop(int64_t rounds)
{
    uint32_t factor[SIDE * SIDE];
    float start[CHAINS][SIDE * SIDE], sum = 0;
    config c = {.palette = 1};
    for (int k = 0; k < TILES; k++)
        c.bytes[k] = SIDE * sizeof(float), c.rows[k] = SIDE;
    for (int k = 0; k < SIDE * SIDE; k++) {
        factor[k] = 0x3b803b80;
        for (int i = 0; i < CHAINS; i++)
            start[i][k] = 1.0f + (float)i;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(c));                 /* GCC 12's own says of 8 bytes that it reads them */
    __asm__ volatile("" : : "r"(factor), "r"(start) : "memory"); /* are there: nor does it say what a load reads */
    _tile_loadd(6, factor, SIDE * sizeof(float));
    _tile_loadd(7, factor, SIDE * sizeof(float));
#define CHAIN(each) each(0) each(1) each(2) each(3) each(4) each(5)
#define LOAD(i)     _tile_loadd(i, start[i], SIDE * sizeof(float));
#define ADD(i)      _tile_dpbf16ps(i, 6, 7);
#define STORE(i)    _tile_stored(i, start[i], SIDE * sizeof(float));
    CHAIN(LOAD)
    for (int64_t j = 0; j < rounds; j++) {
        CHAIN(ADD)
    }
    CHAIN(STORE)
    _tile_release();
    __asm__ volatile("" : : : "memory");
    for (int i = 0; i < CHAINS; i++)
        for (int k = 0; k < SIDE * SIDE; k++)
            sum += start[i][k];
    return sum;
}

const assay_roof_narrow assay_roof_amx = {.isa = "amx_bf16", .flop = 2 * SIDE * SIDE * TERMS * CHAINS, .run = loop};
