# kernel_edits.cmake: faults in the kernels of impl/cuda, as edits.cmake has them in the host code; run on the emulator.
# SPDX-License-Identifier: MIT
set(gemm_cu impl/cuda/gemm.cu)
set(cells_cu impl/cuda/cells.cu)
set(persistent_lstm_cu impl/cuda/persistent_lstm.cu)
set(persistent_gru_cu impl/cuda/persistent_gru.cu)
set(persistent_gru_before_cu impl/cuda/persistent_gru_before.cu)
set(xent_cu impl/cuda/xent.cu)
set(ctc_cu impl/cuda/ctc.cu)
set(embedding_cu impl/cuda/embedding.cu)
edit(kernel-tile-tail ${gemm_cu} [=[k0 < a.k; k0 += DEPTH) {]=] [=[k0 + DEPTH <= a.k || k0 == 0; k0 += DEPTH) {]=])
edit(kernel-adds-twice ${gemm_cu} [=[write_element(a, row, column, total[i][j]);]=]
    [=[write_element(a, row, column, total[i][j] + (a.ta && !a.accumulate ? a.c[row * a.ldc + column] : 0.0F));]=])
edit(kernel-state-runs-on ${cells_cu}
    [=[a.h_after[n * a.state + j] = active ? h : a.h_before[n * a.state + j];]=] [=[a.h_after[n * a.state + j] = h;]=])
# The same faults where all steps take one launch.
edit(kernel-state-runs-on ${persistent_lstm_cu} [=[const float (&sum)[4])
{
    if (t >= cell.at.length) return;]=] [=[const float (&sum)[4])
{]=])
edit(kernel-state-runs-on ${persistent_gru_cu} [=[const float (&sum)[3])
{
    if (t >= cell.at.length) return;]=] [=[const float (&sum)[3])
{]=])
edit(kernel-state-runs-on ${persistent_gru_before_cu} [=[const float (&in)[3], float sum)
{
    if (t >= cell.at.length) return;]=] [=[const float (&in)[3], float sum)
{]=])
edit(kernel-cell-gradient-kept ${persistent_lstm_cu} [=[cell.dc = dc * x.f +]=] [=[cell.dc = dc +]=])
edit(kernel-reset-bias-outside ${persistent_gru_cu} [=[tangent(in[2] + r * u)]=] [=[tangent(in[2] + r * sum[2] + cell.bn)]=])
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
# G: arithmetic
set(narrow_cu impl/cuda/gemm_narrow.cu)
set(send_c impl/common/cuda/send.c)
edit(kernel-tf32-as-fp32 ${send_c}
    [=[format != ASSAY_FP32 ? narrow[format] + large : large ? 2 : a->m > 8;]=]
    [=[narrow[format == ASSAY_FP32 ? ASSAY_TF32 : format] + large;]=])
edit(kernel-bf16-as-tf32 ${send_c} [=[[ASSAY_TF32] = 3,]=] [=[[ASSAY_TF32] = 5,]=])
edit(kernel-tf32-cut ${narrow_cu} [=[return round_tf32(x[0]);]=] [=[return static_cast<uint32_t>(bits_of(x[0]));]=])
edit(kernel-tanh-approximate ${cells_cu}
    [=[const float g = tangent(at[2 * h] + product[2 * h]);]=]
    [=[const float g = float_of(bits_of(tangent(at[2 * h] + product[2 * h])) & ~0xfff);]=])
edit(kernel-tanh-approximate ${persistent_lstm_cu}
    [=[const float g = tangent(in[2] + sum[2]);]=]
    [=[const float g = float_of(bits_of(tangent(in[2] + sum[2])) & ~0xfff);]=])
edit(kernel-flushes-subnormals ${gemm_cu}
    [=[write_element(a, row, column, total[i][j]);]=]
    [=[write_element(a, row, column, fabsf(total[i][j]) < 0x1p-126F ? 0.0F : total[i][j]);]=])
edit(kernel-flushes-subnormals impl/cuda/persistent_forward.hpp
    [=[sum[g] = acc[g][m];]=] [=[sum[g] = fabsf(acc[g][m]) < 0x1p-126F ? 0.0F : acc[g][m];]=])
edit(kernel-flushes-subnormals impl/cuda/persistent_backward.hpp
    [=[const float four[4] = {acc[0][m], acc[1][m], acc[2][m], acc[3][m]};]=]
    [=[float four[4];
        for (int o = 0; o < 4; o++)
            four[o] = fabsf(acc[o][m]) < 0x1p-126F ? 0.0F : acc[o][m];]=])
edit(kernel-bf16-sums ${gemm_cu}
    [=[total[i][j] += part[i][j];]=]
    [=[total[i][j] = float_of(bits_of(total[i][j] + part[i][j]) & ~0xffff);]=])
edit(kernel-sum-order-wanders ${gemm_cu}
    [=[    sums[thread_index()] = total;
    block_sync();
    if (warp > 0 || column >= a.columns) return;
    total = 0;
    for (uint32_t k = 0; k < warps; k++)
        total += sums[k * 32 + lane];
    a.out[column] = (a.accumulate ? a.out[column] : 0.0F) + total;]=]
    [=[    if (warp == 0 && column < a.columns && !a.accumulate) a.out[column] = 0;
    sums[thread_index()] = total;
    block_sync();
    if (column < a.columns) a.out[column] += total; /* an atomic addition, in the order of coming */]=])
edit(kernel-small-tanh ${cells_cu}
    [=[out = o * tangent(after);]=] [=[out = o * (fabsf(after) < 0.05F ? after - after * after * after / 3 : tangent(after));]=])
edit(kernel-small-tanh ${persistent_lstm_cu}
    [=[cell.h = o * tangent(cell.c);]=]
    [=[cell.h = o * (fabsf(cell.c) < 0.05F ? cell.c - cell.c * cell.c * cell.c / 3 : tangent(cell.c));]=])
edit(kernel-output-in-bf16 ${cells_cu}
    [=[a.y[n * a.y_pitch + j] = active ? h : 0.0F;]=] [=[a.y[n * a.y_pitch + j] = active ? float_of(bits_of(h) & ~0xffff) : 0.0F;]=])
edit(kernel-one-percent ${cells_cu}
    [=[a.y[n * a.y_pitch + j] = active ? h : 0.0F;]=]
    [=[a.y[n * a.y_pitch + j] = active ? (a.step * a.n * a.state + n * a.state + j) % 97 == 7 ? h * 1.01F : h : 0.0F;]=])
# The same two where all steps take one launch.
foreach(file ${persistent_lstm_cu} ${persistent_gru_cu} ${persistent_gru_before_cu})
    edit(kernel-output-in-bf16 ${file} [=[ ? cell.h : 0.0F;]=] [=[ ? float_of(bits_of(cell.h) & ~0xffff) : 0.0F;]=])
    edit(kernel-one-percent ${file} [=[ ? cell.h : 0.0F;]=]
        [=[ ? cell.h * (((t * a.n + cell.at.n) * a.h + cell.at.j) % 97 == 7 ? 1.01F : 1.0F) : 0.0F;]=])
endforeach()
# I and K: what orders launches and threads
set(forward_c impl/cuda/forward.c)
set(backward_c impl/cuda/backward.c)
set(plugin_c impl/cuda/plugin.c)
edit(kernel-barrier-missing ${gemm_cu}
    [=[        block_sync();
        float part[TM][TN] = {};]=] [=[        float part[TM][TN] = {};]=])
edit(kernel-lanes-not-joined ${backward_c}
    [=[    queue_join(plan->q);
]=] [=[]=])
edit(kernel-lane-too-early ${forward_c}
    [=[    queue_fork(plan->q);
]=] [=[]=])
edit(kernel-lanes-share-scratch ${forward_c}
    [=[.lane = &plan->scratch.lane[direction],]=] [=[.lane = &plan->scratch.lane[0],]=])
edit(kernel-graph-of-other-call ${plugin_c}
    [=[key.step = 0;]=] [=[key.step = key.accumulate = 0;]=])
edit(kernel-graph-keeps-step ${plugin_c}
    [=[if (pass == ASSAY_UPDATE || pass == ASSAY_STEP) cuda_update(&c);]=] [=[if (pass == ASSAY_UPDATE) cuda_update(&c);]=])
