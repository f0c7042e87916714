# cudnn_edits.cmake: faults in what impl/cudnn puts around cuDNN, as edits.cmake has them in the host code; on the stand-ins.
# SPDX-License-Identifier: MIT
set(network_c impl/cudnn/network.c)
edit(cudnn-moves-absent-bias ${network_c}
    [=[net->st = cudnn_weights_clear_absent(c->plan, c->c.args->grads, c->stream);]=] [=[net->st = ASSAY_OK;]=])
edit(cudnn-tf32-as-fp32 ${network_c} [=[: CUBLAS_COMPUTE_32F_PEDANTIC;
    const gemm_args]=] [=[: CUBLAS_COMPUTE_32F_FAST_TF32;
    const gemm_args]=])
edit(cudnn-bias-overwrites ${network_c} [=[g->bias ? 1 : (float)g->accumulate]=] [=[(float)g->accumulate]=])
edit(cudnn-factors-in-place ${network_c} [=[(int)g->n, (int)g->m, (int)g->k]=] [=[(int)g->m, (int)g->n, (int)g->k]=])
edit(cudnn-gradient-of-last-row ${network_c} [=[.dlast = last ? dy : NULL,]=] [=[.dlast = NULL,]=])
edit(cudnn-callers-order ${network_c} [=[if (!last && p->dialect.layout == ASSAY_TIME_MAJOR) return dy;]=] [=[if (!last) return dy;]=])
edit(cudnn-moments-of-weights ${network_c}
    [=[st = cudnn_weights_in(plan, from[which], which == 0, (char *)block, stream);]=]
    [=[st = cudnn_weights_in(plan, from[0], which == 0, (char *)block, stream);]=])
edit(cudnn-infer-spoils-reserve ${network_c} [=[if (infers) c->c.kept = c->c.work + cuda->scratch.infer;]=]
    [=[if (infers && !c->c.kept) c->c.kept = c->c.work + cuda->scratch.infer;]=])
edit(cudnn-step-adds ${network_c} [=[c->c.args->accumulate && !step]=] [=[c->c.args->accumulate || step]=])
