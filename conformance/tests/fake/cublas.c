/* cublas.c: a stand-in for cuBLAS: products late, by OpenBLAS, of operands that the compute type rounds.
 * SPDX-License-Identifier: MIT
 *
 * It is no cuBLAS and proves nothing about it. Strict: all matrices are the device's and as large as asked for, and who
 * asks for tf32 or half gets it, so that a plugin that takes the wrong compute type is found out. */
#include "conformance/tests/fake/driver.h"

#include <cblas.h>
#include <cublas_v2.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct cublasContext {
    int made;
};

typedef struct job {
    cublasOperation_t ta, tb;
    int m, n, k, lda, ldb, ldc;
    float alpha, beta;
    const float *a, *b;
    float *c;
    cublasComputeType_t by;
} job;

cublasStatus_t cublasCreate_v2(cublasHandle_t *out)
{
    *out = calloc(1, sizeof **out);
    return *out ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    (void)stream;
    return handle ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int *value)
{
    const int parts[] = {CUBLAS_VER_MAJOR, CUBLAS_VER_MINOR, CUBLAS_VER_PATCH};
    if (type < MAJOR_VERSION || type > PATCH_LEVEL) return CUBLAS_STATUS_INVALID_VALUE;
    *value = parts[type - MAJOR_VERSION];
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusName(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_NOT_SUPPORTED";
}

/* As the compute type has it, ties to even. */
static float rounded(float x, cublasComputeType_t by)
{
    uint32_t bits;
    if (by == CUBLAS_COMPUTE_32F_FAST_16F) return (float)(_Float16)x;
    if (by != CUBLAS_COMPUTE_32F_FAST_TF32) return x;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0xfff + (bits >> 13 & 1)) & ~(uint32_t)0x1fff;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A dense copy of rows x columns, rounded. */
static float *operand(const float *from, int rows, int columns, int pitch, cublasComputeType_t by)
{
    float *made = malloc(((size_t)rows * (size_t)columns + 1) * sizeof *made);
    if (!made) abort();
    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++)
            made[(size_t)j * (size_t)rows + (size_t)i] = rounded(from[(size_t)j * (size_t)pitch + (size_t)i], by);
    return made;
}

static void work(void *argument)
{
    job *j = argument;
    const int a_rows = j->ta == CUBLAS_OP_N ? j->m : j->k, b_rows = j->tb == CUBLAS_OP_N ? j->k : j->n;
    float *a = operand(j->a, a_rows, j->m + j->k - a_rows, j->lda, j->by);
    float *b = operand(j->b, b_rows, j->k + j->n - b_rows, j->ldb, j->by);
    cblas_sgemm(CblasColMajor, j->ta == CUBLAS_OP_N ? CblasNoTrans : CblasTrans,
                j->tb == CUBLAS_OP_N ? CblasNoTrans : CblasTrans, j->m, j->n, j->k, j->alpha, a, a_rows, b, b_rows,
                j->beta, j->c, j->ldc);
    free(a);
    free(b);
    free(j);
}

static void *symbol(const char *name)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found = driver ? dlsym(driver, name) : NULL;
    if (!found) abort();
    return found;
}

static int holds(const void *memory, int rows, int columns, int pitch)
{
    fake_owns *owns;
    void *found = symbol("fake_cuda_owns");
    memcpy(&owns, &found, sizeof owns);
    return pitch >= rows && owns(memory, ((size_t)(columns - 1) * (size_t)pitch + (size_t)rows) * sizeof(float));
}

static int is_known(cublasComputeType_t by)
{
    return by == CUBLAS_COMPUTE_32F || by == CUBLAS_COMPUTE_32F_PEDANTIC || by == CUBLAS_COMPUTE_32F_FAST_TF32 ||
           by == CUBLAS_COMPUTE_32F_FAST_16F;
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                            const void *alpha, const void *a, cudaDataType a_type, int lda, const void *b,
                            cudaDataType b_type, int ldb, const void *beta, void *c, cudaDataType c_type, int ldc,
                            cublasComputeType_t by, cublasGemmAlgo_t algo)
{
    const int a_rows = ta == CUBLAS_OP_N ? m : k, b_rows = tb == CUBLAS_OP_N ? k : n;
    fake_enqueue *enqueue;
    void *found = symbol("fake_cuda_enqueue");
    if (!handle || m < 1 || n < 1 || k < 1 || ta == CUBLAS_OP_C || tb == CUBLAS_OP_C)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (a_type != CUDA_R_32F || b_type != CUDA_R_32F || c_type != CUDA_R_32F || !is_known(by) ||
        algo != CUBLAS_GEMM_DEFAULT)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (!holds(a, a_rows, m + k - a_rows, lda) || !holds(b, b_rows, k + n - b_rows, ldb) || !holds(c, m, n, ldc))
        return CUBLAS_STATUS_INVALID_VALUE;
    job *j = malloc(sizeof *j);
    if (!j) return CUBLAS_STATUS_ALLOC_FAILED;
    *j = (job){ta, tb, m, n, k, lda, ldb, ldc, *(const float *)alpha, *(const float *)beta, a, b, c, by};
    memcpy(&enqueue, &found, sizeof enqueue);
    if (enqueue(work, j)) return CUBLAS_STATUS_SUCCESS;
    free(j);
    return CUBLAS_STATUS_INVALID_VALUE;
}
