# persistent.cmake: tests of the recurrences of one launch: each size of cluster, random orders, planted faults.
# SPDX-License-Identifier: MIT
set(recurrence tests/recurrence.c)

# The plugin with one size of cluster, or the next smaller one that can be had, so that the suite's own cases reach each.
foreach(ranks 1 2 4 8)
    set(name cuda-emu-c${ranks})
    assay_add(plugin ${name} SUBDIR clusters SOURCES ${ASSAY_CUDA_PLUGIN} queue.cc DEFINE EMULATOR_PLUGIN="${name}" EMULATOR_CLUSTER=${ranks}
              LINK assay_cuda_emu assay_emulator assay_common_host assay_fast m UNTIMED)
    assay_add(test test_impl_cuda_emu_c${ranks} TIMEOUT 300 SOURCES ${CMAKE_SOURCE_DIR}/impl/tests/test_impl.c ${ASSAY_CUDA_PLUGIN} queue.cc
              LINK assay_cuda_emu assay_emulator assay_common_host assay_fast assay_ref_f64 assay_ref_noise assay_base m
              DEFINE IMPL_CASES="impl/cuda/emulator/tests/persistent_cases.inc" EMULATOR_PLUGIN="${name}" EMULATOR_CLUSTER=${ranks})
    set_tests_properties(test_impl_cuda_emu_c${ranks} PROPERTIES ENVIRONMENT OMP_NUM_THREADS=1)
    # In every run one size that has something to exchange. The largest takes minutes as it is: not under the sanitizers.
    if(ranks EQUAL 8)
        set_tests_properties(test_impl_cuda_emu_c${ranks} PROPERTIES LABELS "emulator;long")
    elseif(NOT ranks EQUAL 2)
        set_tests_properties(test_impl_cuda_emu_c${ranks} PROPERTIES LABELS "unit;emulator;long")
    endif()
    set_target_properties(plugin_${name} test_impl_cuda_emu_c${ranks} PROPERTIES LINKER_LANGUAGE CXX)
endforeach()

# All layouts in a few orders; nightly in many (ci/nightly.sh).
assay_add(test test_persistent SOURCES tests/test_persistent.c ${recurrence}
          LINK assay_cuda_emu assay_emulator assay_common_host assay_fast m LABELS emulator)
set_target_properties(test_persistent PROPERTIES LINKER_LANGUAGE CXX)
set_tests_properties(test_persistent test_impl_cuda_emu_c2 PROPERTIES COST 50) # under the sanitizers the longest: first

# The table of layouts that docs/gpu-limits.md quotes.
assay_add(program cuda-layouts SOURCES tests/layouts.c LINK assay_cuda_emu assay_emulator assay_common_host assay_fast m)
set_target_properties(cuda-layouts PROPERTIES LINKER_LANGUAGE CXX)

# One order taken out of the protocol, one program each: does the emulator name it?
set(edits ${CMAKE_CURRENT_SOURCE_DIR}/tests/persistent_edits.cmake)
set_property(GLOBAL PROPERTY ASSAY_FAULTS "")
include(${edits})
get_property(faults GLOBAL PROPERTY ASSAY_FAULTS)
foreach(fault ${faults})
    string(REPLACE "-" "_" name ${fault})
    get_property(file GLOBAL PROPERTY ASSAY_FAULT_${fault})
    assay_edited_copy(${fault} ${file} ${edits} copy)
    # A header is edited: what includes it is compiled with the copy first.
    assay_add(test test_fault_${name} SOURCES tests/test_persistent_faults.c ${recurrence} ../persistent_lstm.cu ${copy}
              DEFINE EDIT="${fault}" LINK assay_cuda_emu assay_emulator assay_common_host m LABELS emulator)
    target_compile_options(test_fault_${name} PRIVATE -O1) # many copies of large kernels, and a short run of each
    target_include_directories(test_fault_${name} BEFORE PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${fault})
    set_target_properties(test_fault_${name} PROPERTIES LINKER_LANGUAGE CXX)
endforeach()
