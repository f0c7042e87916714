/* test_roof.c: the measured peaks are peaks: no product beats them, more seconds and more threads do not lower them.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <omp.h>

#include "perf/roof.h"
#include "perf/roof_kernel.h"

/* x <- x/2 + 1 leads to 2 from anywhere: 60 rounds to the last bit, in each of the two lanes that are summed. */
static int multiplies_and_adds(const assay_roof_kernel *k, int chains)
{
    return k->fp64(60, 0.5, 1.0) == 4.0 * chains && k->fp32(60, 0.5f, 1.0f) == 4.0f * (float)chains &&
           k->fp64(0, 0.5, 1.0) != k->fp64(60, 0.5, 1.0);
}

static void every_loop_of_this_processor_multiplies_and_adds(void **state)
{
    (void)state;
    assert_true(multiplies_and_adds(&assay_roof_baseline, 12));
    assert_int_equal(assay_roof_baseline.flop_fp64, 2 * 12 * 2);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        assert_true(multiplies_and_adds(&assay_roof_avx2, 12));
        assert_int_equal(assay_roof_avx2.flop_fp64, 2 * 12 * 4);
    }
    if (__builtin_cpu_supports("avx512f")) {
        assert_true(multiplies_and_adds(&assay_roof_avx512, 24));
        assert_int_equal(assay_roof_avx512.flop_fp64, 2 * 24 * 8);
    }
    if (__builtin_cpu_supports("avx512bf16")) {
        /* Chains that start from 1 .. 24 grow by 2^-15 a round, in 16 lanes. */
        assert_true(assay_roof_bf16.run(0) == 16.0f * 300 && assay_roof_bf16.run(1 << 15) == 16.0f * 324);
        assert_int_equal(assay_roof_bf16.flop, 2 * 24 * 32);
    }
    if (assay_roof_amx_usable()) {
        /* Sums that start from 1 .. 6 grow by 2^-11 a round, in 256 places. */
        assert_true(assay_roof_amx.run(0) == 256.0f * 21 && assay_roof_amx.run(1 << 12) == 256.0f * 33);
        assert_int_equal(assay_roof_amx.flop, 2 * 6 * 16 * 16 * 32);
    }
#endif
}

/* No row may be held against the peak of another format. */
static void a_format_without_instructions_has_no_peak(void **state)
{
    (void)state;
    assert_true(isnan(assay_roof_fma(ASSAY_FP16, 1, 0)));
    assert_true(isnan(assay_roof_fma(ASSAY_TF32, 1, 0)));
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16")) {
        const double bf16 = assay_roof_fma(ASSAY_BF16, 1, 0.3), fp32 = assay_roof_fma(ASSAY_FP32, 1, 0.3);
        print_message("one thread: bf16 %.1f, fp32 %.1f GFLOP/s\n", bf16, fp32);
        /* Two terms an instruction, which takes one turn of those of fp32 or two; a tile takes many at once. */
        assert_true(assay_roof_amx_usable() ? bf16 > 4 * fp32 && bf16 < 40 * fp32
                                            : bf16 > 0.4 * fp32 && bf16 < 5 * fp32);
        return;
    }
#endif
    assert_true(isnan(assay_roof_fma(ASSAY_BF16, 1, 0)));
}

/* Twice the lanes: about twice the rate. A factor, because a shared machine lends less at one time than at another. */
static void fp32_is_about_twice_fp64(void **state)
{
    (void)state;
    const double fp32 = assay_roof_fma(ASSAY_FP32, 1, 0.3), fp64 = assay_roof_fma(ASSAY_FP64, 1, 0.3);
    print_message("one thread: fp32 %.1f, fp64 %.1f GFLOP/s\n", fp32, fp64);
    assert_true(fp64 > 0.1 && fp32 / fp64 > 1 && fp32 / fp64 < 4);
}

/* As workers, which have a clean environment: the first to load the library in this process. */
static void the_library_chooses_its_kernels_itself(void **state)
{
    (void)state;
    char by[64];
    assert_int_equal(setenv("OPENBLAS_CORETYPE", "Prescott", 1), 0);
    assert_true(assay_roof_sgemm(1, 0, by, sizeof by) > 0);
    print_message("large product: %s\n", by);
    assert_null(strstr(by, "Prescott"));
    assert_null(getenv("OPENBLAS_CORETYPE"));
}

static void measuring_leaves_threads_and_affinity_alone(void **state)
{
    (void)state;
    cpu_set_t before, after;
    const int omp = omp_get_max_threads();
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assay_roof r;
    assert_int_equal(assay_roof_measure(2, 0, &r), ASSAY_OK);
    assert_true(assay_ref_gemm_gflops(1, 0) > 0);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    assert_int_equal(omp_get_max_threads(), omp);
    assert_int_equal(r.threads, 2);
    assert_true(strstr(r.sgemm_by, "BLAS ") != NULL || strstr(r.sgemm_by, "BLIS ") != NULL);
    assert_true(r.fma_gflops_fp32 > 0 && r.fma_gflops_fp64 > 0 && r.sgemm_gflops > 0);
    assert_true(strcmp(r.isa, "avx512") == 0 || strcmp(r.isa, "avx2") == 0 || strcmp(r.isa, "baseline") == 0);
}

/* No product runs faster than multiply-adds alone: 10 % for clocks that move between the two measurements. */
static void no_product_beats_the_roof(void **state)
{
    (void)state;
    assay_roof r;
    assert_int_equal(assay_roof_measure(1, 1.5, &r), ASSAY_OK);
    const double reference = assay_ref_gemm_gflops(1, 0.5);
    print_message(
        "one thread, %s: fp32 %.1f, fp64 %.1f, sgemm %.1f (%.0f %%), reference's product %.1f GFLOP/s (%.0f %%)\n",
        r.isa, r.fma_gflops_fp32, r.fma_gflops_fp64, r.sgemm_gflops, 100 * r.sgemm_gflops / r.fma_gflops_fp32,
        reference, 100 * reference / r.fma_gflops_fp64);
    assert_true(r.sgemm_gflops < 1.1 * r.fma_gflops_fp32);
    assert_true(reference < 1.1 * r.fma_gflops_fp64);
}

static void impossible_requests_are_refused(void **state)
{
    (void)state;
    assay_roof r;
    assert_int_equal(assay_roof_measure(0, 0.1, &r), ASSAY_BAD_ARGUMENT);
    assert_int_equal(assay_roof_measure(1, NAN, &r), ASSAY_BAD_ARGUMENT);
    assert_int_equal(assay_roof_measure(1, 0.1, NULL), ASSAY_BAD_ARGUMENT);
    assert_true(isnan(assay_roof_fma(ASSAY_FP16, 1, 0.1)) && isnan(assay_roof_fma(ASSAY_FP32, 0, 0.1)));
    assert_true(isnan(assay_ref_gemm_gflops(0, 0.1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_chooses_its_kernels_itself),
        cmocka_unit_test(every_loop_of_this_processor_multiplies_and_adds),
        cmocka_unit_test(a_format_without_instructions_has_no_peak),
        cmocka_unit_test(fp32_is_about_twice_fp64),
        cmocka_unit_test(measuring_leaves_threads_and_affinity_alone),
        cmocka_unit_test(no_product_beats_the_roof),
        cmocka_unit_test(impossible_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
