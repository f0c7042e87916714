/* kernel_amx.c: the product of kernel_bf16.h by AMX: tiles of 16 x 16 sums, 16 pairs of terms at a time.
 * SPDX-License-Identifier: MIT */
#include "impl/cpu/kernel_bf16.h"

#include <immintrin.h>
#include <string.h>

#define SIDE 16 /* rows and floats of a row of a tile */
#define SUMS 4  /* tiles of C at once: as many hide the latency of a sum */

/* Tiles 0 to 3 are sums, 4 of A and 5 of B; 6 and 7 are those of A and B where fewer than 16 pairs are left. */
enum { A_TILE = SUMS, B_TILE, A_REST, B_REST, TILES };

typedef struct config {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} config;

static void configure(int rows, int rest)
{
    config c = {.palette = 1};
    for (int k = 0; k < TILES; k++) {
        c.bytes[k] = SIDE * sizeof(float);
        c.rows[k] = (uint8_t)rows;
    }
    c.rows[B_TILE] = SIDE;
    c.bytes[A_REST] = (uint16_t)(rest * (int)sizeof(float));
    c.rows[B_REST] = (uint8_t)rest;
    if (!rest) c.rows[A_REST] = c.bytes[B_REST] = 0;
    __asm__ volatile("ldtilecfg %0" : : "m"(c)); /* GCC 12's own says of 8 bytes that it reads them */
}

/* What is to be fetched, some lines with each step of 16 pairs. */
typedef struct fetching {
    const float *at;
    int64_t lines, pieces, each, apart, share; /* left of this piece; left; of a piece; between them; of a step */
} fetching;

static inline void fetch(fetching *f)
{
    for (int64_t k = 0; k < f->share && f->pieces > 0; k++) {
        _mm_prefetch(f->at, _MM_HINT_T1);
        f->at += CPU_GRAIN;
        if (--f->lines > 0) continue;
        f->pieces--;
        f->lines = f->each;
        f->at += f->apart - f->each * CPU_GRAIN;
    }
}

/* Sums of one tile become C: `rows` of them, of which `valid` columns count. */
static void add_tile(const float *sums, int rows, int valid, const float *c_in, int64_t ld_in, float *c, int64_t ldc)
{
    const __mmask16 mask = (__mmask16)(valid < SIDE ? (1u << valid) - 1 : 0xffff);
    for (int r = 0; r < rows; r++) {
        const __m512 before = _mm512_maskz_loadu_ps(mask, c_in + r * ld_in);
        _mm512_mask_storeu_ps(c + r * ldc, mask, _mm512_add_ps(_mm512_load_ps(sums + r * SIDE), before));
    }
}

#define KEEP(tile, r, j)                                                                                               \
    do {                                                                                                               \
        const int at = column + (j)*SIDE, left = x->valid - at, valid = left < SIDE ? left : SIDE;                     \
        float *c = x->c + ((r)*SIDE + row) * x->ldc + at;                                                              \
        if (!x->c_in && valid == SIDE) {                                                                               \
            _tile_stored(tile, c, x->ldc * sizeof(float));                                                             \
        } else if (valid > 0) {                                                                                        \
            _tile_stored(tile, sums, SIDE * sizeof(float));                                                            \
            if (x->c_in)                                                                                               \
                add_tile(sums, rows, valid, x->c_in + ((r)*SIDE + row) * x->ld_in + at, x->ld_in, c, x->ldc);          \
            else                                                                                                       \
                for (int k = 0; k < rows; k++)                                                                         \
                    memcpy(c + k * x->ldc, sums + k * SIDE, (size_t)valid * sizeof *sums);                             \
        }                                                                                                              \
    } while (0)

#define LOAD_A(tile, r) _tile_loadd(tile, a + (r)*SIDE * x->row, x->row * sizeof(float))
#define LOAD_B(tile, j) _tile_loadd(tile, b + (j)*SIDE, x->ldb * sizeof(float))

#define NO_SUMS()                                                                                                      \
    _tile_zero(0);                                                                                                     \
    _tile_zero(1);                                                                                                     \
    _tile_zero(2);                                                                                                     \
    _tile_zero(3)

#define EACH_OF_SQUARE(A, B)                                                                                           \
    LOAD_A(A, 0);                                                                                                      \
    LOAD_B(B, 0);                                                                                                      \
    _tile_dpbf16ps(0, A, B);                                                                                           \
    LOAD_B(B, 1);                                                                                                      \
    _tile_dpbf16ps(1, A, B);                                                                                           \
    LOAD_A(A, 1);                                                                                                      \
    _tile_dpbf16ps(3, A, B);                                                                                           \
    LOAD_B(B, 0);                                                                                                      \
    _tile_dpbf16ps(2, A, B)

/* Two rows of tiles and two columns. */
static void square(const cpu_block *x, int64_t row, int column, fetching *f)
{
    const int rows = SIDE;
    float sums[SIDE * SIDE] __attribute__((aligned(64)));
    NO_SUMS();
    for (int64_t s = 0; s < x->segments; s++) {
        const float *a = x->a + row * x->row + s * x->segment, *b = x->b + column + s * x->b_segment;
        int64_t left = x->terms;
        for (; left >= SIDE; left -= SIDE, a += SIDE, b += SIDE * x->ldb) {
            EACH_OF_SQUARE(4, 5);
            fetch(f);
        }
        if (left) {
            EACH_OF_SQUARE(6, 7);
        }
    }
    KEEP(0, 0, 0);
    KEEP(1, 0, 1);
    KEEP(2, 1, 0);
    KEEP(3, 1, 1);
}

#define EACH_COLUMN(A, B)                                                                                              \
    LOAD_B(B, 0);                                                                                                      \
    _tile_dpbf16ps(0, A, B);                                                                                           \
    if (wide > 1) {                                                                                                    \
        LOAD_B(B, 1);                                                                                                  \
        _tile_dpbf16ps(1, A, B);                                                                                       \
    }                                                                                                                  \
    if (wide > 2) {                                                                                                    \
        LOAD_B(B, 2);                                                                                                  \
        _tile_dpbf16ps(2, A, B);                                                                                       \
    }                                                                                                                  \
    if (wide > 3) {                                                                                                    \
        LOAD_B(B, 3);                                                                                                  \
        _tile_dpbf16ps(3, A, B);                                                                                       \
    }

/* One row of tiles, of so many rows, and `wide` columns. */
static inline __attribute__((always_inline)) void strip(const cpu_block *x, int64_t row, int rows, int column,
                                                        const int wide, fetching *f)
{
    float sums[SIDE * SIDE] __attribute__((aligned(64)));
    NO_SUMS();
    for (int64_t s = 0; s < x->segments; s++) {
        const float *a = x->a + row * x->row + s * x->segment, *b = x->b + column + s * x->b_segment;
        int64_t left = x->terms;
        for (; left >= SIDE; left -= SIDE, a += SIDE, b += SIDE * x->ldb) {
            LOAD_A(4, 0);
            fetch(f);
            EACH_COLUMN(4, 5)
        }
        if (left) {
            LOAD_A(6, 0);
            EACH_COLUMN(6, 7)
        }
    }
    KEEP(0, 0, 0);
    if (wide > 1) KEEP(1, 0, 1);
    if (wide > 2) KEEP(2, 0, 2);
    if (wide > 3) KEEP(3, 0, 3);
}

static void strips(const cpu_block *x, int64_t row, int rows, int first, fetching *f)
{
    for (int column = first; column < x->columns; column += SUMS * SIDE)
        switch ((x->columns - column) / SIDE) {
        case 1:
            strip(x, row, rows, column, 1, f);
            break;
        case 2:
            strip(x, row, rows, column, 2, f);
            break;
        case 3:
            strip(x, row, rows, column, 3, f);
            break;
        default:
            strip(x, row, rows, column, 4, f);
        }
}

static fetching fetching_of(const cpu_block *x)
{
    const int64_t tiles = (x->m + SIDE - 1) / SIDE * ((x->columns + SIDE - 1) / SIDE);
    const int64_t steps = (tiles * x->segments * (x->terms / SIDE) + SUMS - 1) / SUMS;
    return (fetching){.at = x->next,
                      .lines = x->next_lines,
                      .pieces = x->next_lines > 0 ? x->nexts : 0,
                      .each = x->next_lines,
                      .apart = x->next_apart,
                      .share = steps ? (x->nexts * x->next_lines + steps - 1) / steps : 0};
}

void cpu_kernel_amx(const cpu_block *x)
{
    const int rest = (int)(x->terms % SIDE), below = (int)(x->m % SIDE);
    const int64_t whole = x->m - below;
    fetching f = fetching_of(x);
    if (whole > 0) configure(SIDE, rest);
    for (int64_t row = 0; row < whole; row += row + 2 * SIDE <= whole ? 2 * SIDE : SIDE) {
        int column = 0;
        for (; row + 2 * SIDE <= whole && column + 2 * SIDE <= x->columns; column += 2 * SIDE)
            square(x, row, column, &f);
        if (column < x->columns) {
            strips(x, row, SIDE, column, &f);
            if (row + 2 * SIDE <= whole) strips(x, row + SIDE, SIDE, column, &f);
        }
    }
    if (below) {
        configure(below, rest);
        strips(x, whole, below, 0, &f);
    }
    _tile_release();
}
