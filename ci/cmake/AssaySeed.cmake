# AssaySeed.cmake: writes the one seed of a ctest run to OUT: that of $ASSAY_TEST_SEED, or a fresh one.
# SPDX-License-Identifier: MIT
if(DEFINED ENV{ASSAY_TEST_SEED})
    set(seed $ENV{ASSAY_TEST_SEED})
else()
    string(RANDOM LENGTH 16 ALPHABET 0123456789abcdef seed)
    set(seed 0x${seed})
endif()
file(WRITE ${OUT} "${seed}\n")
message("seed of this run: ${seed}; ASSAY_TEST_SEED=${seed} repeats it")
