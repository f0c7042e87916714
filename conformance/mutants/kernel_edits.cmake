# kernel_edits.cmake: faults in the kernels of impl/cuda, as edits.cmake has them in the host code; run on the emulator.
# SPDX-License-Identifier: MIT
set(gemm_cu impl/cuda/gemm.cu)
set(cells_cu impl/cuda/cells.cu)
set(xent_cu impl/cuda/xent.cu)
set(ctc_cu impl/cuda/ctc.cu)
set(embedding_cu impl/cuda/embedding.cu)
edit(kernel-tile-tail ${gemm_cu} [=[k0 < a.k; k0 += DEPTH) {]=] [=[k0 + DEPTH <= a.k || k0 == 0; k0 += DEPTH) {]=])
edit(kernel-adds-twice ${gemm_cu} [=[write_element(a, row, column, total[i][j]);]=]
    [=[write_element(a, row, column, total[i][j] + (a.ta && !a.accumulate ? a.c[row * a.ldc + column] : 0.0F));]=])
edit(kernel-state-runs-on ${cells_cu}
    [=[a.h_after[n * a.state + j] = active ? h : a.h_before[n * a.state + j];]=] [=[a.h_after[n * a.state + j] = h;]=])
edit(kernel-cell-gradient-kept ${cells_cu} [=[a.dc[e] = dc * f + (p]=] [=[a.dc[e] = dc + (p]=])
edit(kernel-reset-bias-outside ${cells_cu} [=[sum = at[2 * h] + r * u;]=] [=[sum = at[2 * h] + r * product[2 * h] + (a.bn ? a.bn[j] : 0.0F);]=])
edit(kernel-vocabulary-end ${xent_cu}
    [=[    for (int64_t k = thread_index(); k < a.classes; k += thread_count()) {
        const float v = x[k];]=]
    [=[    for (int64_t k = thread_index(); k < (a.classes > 8 ? a.classes / 8 * 8 : a.classes); k += thread_count()) {
        const float v = x[k];]=])
edit(kernel-equal-labels-once ${ctc_cu} [=[for (int32_t v = u; v >= 0; v = q.chain]=] [=[for (int32_t v = u; v == u; v = q.chain]=])
edit(kernel-id-once ${embedding_cu}
    [=[part += a.from[a.values[row] * a.width + j];]=] [=[part += row == first ? a.from[a.values[row] * a.width + j] : 0.0F;]=])
