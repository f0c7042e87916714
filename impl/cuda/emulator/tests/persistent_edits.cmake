# persistent_edits.cmake: faults in the hand-over of recurrences of one launch, one each, as in edits.cmake.
# SPDX-License-Identifier: MIT
# What the emulator must call each of them stands in test_persistent_faults.c.
set(states impl/cuda/persistent_forward.hpp)
set(parts impl/cuda/persistent_backward.hpp)

# The phase of the send after is waited for; no source's first phase.
edit(states-wrong-phase ${states} [=[barrier_wait(full, barrier_of(source, send), parity_of(send));]=]
    [=[barrier_wait(full, barrier_of(source, send), parity_of(send + 2));]=])
# Nobody says how many bytes will come: the missing arrival.
edit(states-not-expected ${states} [=[if (s.ranks > 1 && me < s.ranks)]=] [=[if (s.ranks > 1 && me < s.ranks - 1)]=])
edit(states-too-few-bytes ${states} [=[static_cast<uint32_t>(units_of(a, of, me) * ROWS * 4)]=]
    [=[static_cast<uint32_t>(units_of(a, of, me) * ROWS * 4 - 16)]=])
# What a block itself sends is read without waiting, as if its warps were one.
edit(states-own-not-awaited ${states} [=[s.ranks > 1 && send >= 0)]=] [=[s.ranks > 1 && send >= 0 && source != s.rank)]=])
# One source stands for all.
edit(states-one-awaited ${states} [=[s.ranks > 1 && send >= 0)]=] [=[s.ranks > 1 && send >= 0 && source == s.rank)]=])
# The slot is sent to while others still read the state before: no double buffer, or the other one read.
edit(states-early-slot ${states} [=[((send + 1) % 2 * s.padded + s.rank]=] [=[(send % 2 * s.padded + s.rank]=])
edit(states-other-slot ${states} [=[at = rows + ((send + 1) % 2 * s.padded]=] [=[at = rows + ((send + 2) % 2 * s.padded]=])
# Lanes send while others of their warp may still read.
edit(states-warp-not-met ${states} [=[    warp_sync(FULL_WARP); /*]=] [=[    /*]=])
# Warps that send nothing read, too: nobody waits for them.
edit(states-idle-warps-read ${states} [=[const bool idle = is_idle<Q>(s);]=] [=[const bool idle = false;]=])
# The last step sends, too: its stores arrive in blocks that have left.
edit(states-sent-at-last ${states} [=[if (!sends) break;]=] [=[]=])
# Stores may come to barriers that nobody has made yet.
edit(states-no-first-meeting ${states} [=[    meet_first(s, full);]=] [=[    block_sync();]=])
# Alone, without its barrier.
edit(states-alone-not-met ${states} [=[    if (s.ranks == 1) block_sync();]=] [=[]=])

edit(parts-wrong-phase ${parts} [=[parity_of(send));
        UNROLL]=] [=[parity_of(send + 2));
        UNROLL]=])
edit(parts-not-expected ${parts} [=[if (s.ranks > 1 && me < s.ranks)]=] [=[if (s.ranks > 1 && me < s.ranks - 1)]=])
edit(parts-not-awaited ${parts} [=[if (s.ranks > 1) barrier_wait]=] [=[if (s.ranks > 1 && source != s.rank) barrier_wait]=])
edit(parts-one-slot ${parts} [=[parts + (((send % 2 * s.ranks + s.rank) * ROWS]=] [=[parts + ((s.rank * ROWS]=])
edit(parts-last-not-awaited ${parts} [=[    if (s.steps > 0) receive<ROWS>]=] [=[    if (s.steps > 0 && s.ranks == 1) receive<ROWS>]=])
edit(parts-gates-not-met ${parts} [=[        block_sync();
        float acc]=] [=[        float acc]=])
edit(parts-gates-one-slot ${parts} [=[sums + (i % 2 * GATES * a.slice + s.lane) * ROWS]=] [=[sums + s.lane * ROWS]=])
edit(parts-no-first-meeting ${parts} [=[    meet_first(s, full);]=] [=[    block_sync();]=])
edit(parts-alone-not-met ${parts} [=[    if (s.ranks == 1) block_sync();]=] [=[]=])
