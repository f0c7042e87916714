/* cudnn.h: what the two files of a stand-in for cuDNN share: its descriptors, and the honest implementation behind it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_FAKE_CUDNN_H
#define ASSAY_FAKE_CUDNN_H

#include "impl/impl.h"

#include <cudnn.h>

enum { FAKE_DIMENSIONS = 4, FAKE_ALIGN = 256 };

struct cudnnTensorStruct {
    cudnnDataType_t type;
    int count, dims[FAKE_DIMENSIONS], strides[FAKE_DIMENSIONS];
};

struct cudnnRNNStruct {
    cudnnRNNAlgo_t algo;
    cudnnRNNMode_t cell;
    cudnnRNNBiasMode_t bias;
    cudnnMathType_t math;
    cudnnDataType_t type;
    int directions, i, h, proj, layers, built;
    double clip;
};

struct cudnnRNNDataStruct {
    cudnnDataType_t type;
    cudnnRNNDataLayout_t layout;
    int t, n, width, fills;
    int32_t *lens; /* its own */
};

struct cudnnCTCLossStruct {
    int most;
};

/* The problem that a descriptor stands for; parameters that its bias mode lacks are absent. */
assay_problem fake_problem(const struct cudnnRNNStruct *rnn, const struct cudnnRNNDataStruct *x);

/* Bytes of a weight space; of a part of it: all matrices come first, then all biases. *offset -1 where there is none.
 */
size_t fake_weight_bytes(const struct cudnnRNNStruct *rnn);
void fake_weight_part(const struct cudnnRNNStruct *rnn, int pseudo, int id, int is_bias, int64_t *offset, int *rows,
                      int *columns);

/* What reserve and work space have to hold. */
size_t fake_reserve_bytes(const assay_problem *p);

static inline size_t fake_element(cudnnDataType_t type)
{
    return type == CUDNN_DATA_DOUBLE ? 8 : 4;
}

#endif
