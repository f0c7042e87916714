# edits.cmake: orders that are taken out of the real kernels, one each: edit(name file [=[text that stands there once]=] [=[text instead]=]).
# SPDX-License-Identifier: MIT
# What the emulator must call each of them stands in test_faults.c.
set(gemm impl/cuda/gemm.cu)
set(narrow impl/cuda/gemm_narrow.cu)
set(xent impl/cuda/xent.cu)
set(ctc impl/cuda/ctc.cu)
set(embedding impl/cuda/embedding.cu)

# A tile is read before all of it is there; the next one overwrites it while others still read.
edit(tile-before ${gemm} [=[        block_sync();
        float part[TM][TN] = {};]=] [=[        float part[TM][TN] = {};]=])
edit(tile-behind ${gemm} [=[                total[i][j] += part[i][j];
        block_sync();]=] [=[                total[i][j] += part[i][j];]=])
# The rest of k is multiplied though the tile ends before it.
edit(tile-tail ${gemm} [=[for (int k = 0; k < depth; k++) {]=] [=[for (int k = 0; k < DEPTH; k++) {]=])
edit(narrow-behind ${narrow} [=[                total[j][e] += part[j][e];
        block_sync();]=] [=[                total[j][e] += part[j][e];]=])
# Lanes without a row leave before the warp's product.
edit(narrow-lanes ${narrow} [=[            const shared<uint32_t> at = left]=] [=[            if (row0 + warp * 16 + g >= a.m) return;
            const shared<uint32_t> at = left]=])
# Warps add up their sums before those of all others are there.
edit(sums-before ${gemm} [=[    sums[thread_index()] = total;
    block_sync();]=] [=[    sums[thread_index()] = total;]=])
# Two sums over a block in one place, of which some still read the first.
edit(one-place ${xent} [=[part + 8);]=] [=[part);]=])
# Lanes without a class leave before the warp's sums.
edit(lanes-leave ${xent} [=[    SHARED(float, part, 32);
]=] [=[    SHARED(float, part, 32);
    if (thread_index() >= a.classes) return;
]=])
# The lanes of a warp go on to the next frame without each other; labels are read before lane 0 wrote them.
edit(frame-without-sync ${ctc} [=[now[s] = now[s] - m;
    warp_sync(FULL_WARP);]=] [=[now[s] = now[s] - m;]=])
edit(labels-before ${ctc} [=[        count[0] = used;
    }
    block_sync();]=] [=[        count[0] = used;
    }]=])
# One row of states for both frames: the wrong parity of a double buffer.
edit(one-row ${ctc} [=[    return rows + (t % 2) * q.states;
}
DEVICE shared<float> row_beside(const sample &q, shared<float> rows, int32_t t)
{
    return rows + (1 - t % 2) * q.states;]=]
    [=[    return rows + t % 1 * q.states;
}
DEVICE shared<float> row_beside(const sample &q, shared<float> rows, int32_t t)
{
    return rows + t % 1 * q.states;]=])
# alpha and beta do not wait for each other in the middle.
edit(middle-before ${ctc} [=[part[1] = total;
    block_sync();]=] [=[part[1] = total;]=])
# Counts are added up while others still count.
edit(counts-before ${embedding} [=[(keys[row] >> 4 * pass) % DIGITS * threads + me] += 1;
        block_sync();]=] [=[(keys[row] >> 4 * pass) % DIGITS * threads + me] += 1;]=])
