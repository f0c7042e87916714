# AssayConformanceTests.cmake: one ctest test an implementation, op and group of checks; timing only after all of them.
# SPDX-License-Identifier: MIT
#
# One seed a run, drawn by a fixture and shared through a file, so that truths and floors are computed once and found
# in the cache by whoever comes next. Timed tests require the implementation's whole conformance.
set(seed_file ${CMAKE_BINARY_DIR}/test.seed)
add_test(NAME seed COMMAND ${CMAKE_COMMAND} -DOUT=${seed_file} -P ${CMAKE_SOURCE_DIR}/ci/cmake/AssaySeed.cmake)
set_tests_properties(seed PROPERTIES FIXTURES_SETUP seed LABELS conformance)

set(groups_rnn values differences contract)
set(groups_xent values differences contract)
set(groups_ctc values differences contract)
set(groups_network values update contract)
set(checks_values forward,backward)
set(checks_differences gradcheck,magnitude,arithmetic)
set(checks_contract lengths,memory,determinism,contract,environment,metamorphic)
set(checks_update update)

get_property(implementations GLOBAL PROPERTY ASSAY_PLUGINS_impl)
get_property(untimed GLOBAL PROPERTY ASSAY_PLUGINS_untimed)
set(on_a_device cuda cudnn cudnn-pytorch torch-cuda) # their place: without one every test of them is skipped
foreach(impl ${implementations})
    set(device "")
    if(impl IN_LIST on_a_device)
        set(device ";device")
    endif()
    # Where an implementation offers nothing of an op, a test of it would find that nothing passed.
    get_property(ops GLOBAL PROPERTY ASSAY_OPS_${impl})
    get_property(only GLOBAL PROPERTY ASSAY_GROUPS_${impl})
    get_property(seconds GLOBAL PROPERTY ASSAY_SECONDS_${impl})
    if(NOT seconds)
        set(seconds 300)
    endif()
    if(NOT ops)
        set(ops rnn xent ctc network)
    endif()
    foreach(op ${ops})
        set(groups ${groups_${op}})
        if(only)
            set(groups ${only})
        endif()
        foreach(group ${groups})
            set(name check.${impl}.${op}.${group})
            add_test(NAME ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
                COMMAND assay check --impl ${impl} --op ${op} --check ${checks_${group}} --quick --seed @${seed_file}
                        --cache ${CMAKE_BINARY_DIR}/cache)
            set_tests_properties(${name} PROPERTIES LABELS "conformance;${impl};${op}${device}" TIMEOUT ${seconds} SKIP_RETURN_CODE 77
                FIXTURES_REQUIRED seed FIXTURES_SETUP conforms.${impl})
        endforeach()
    endforeach()
    # On the seed of CI an honest implementation keeps half of every limit in hand: each of a kind in every run.
    set(long "")
    if(impl MATCHES "^(blas-.*|cuda-emu)$")
        set(long ";long")
    endif()
    add_test(NAME check.${impl}.margins WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
        COMMAND assay check --impl ${impl} --quick --seed 0x5eed --margin-limit 0.5 --cache ${CMAKE_BINARY_DIR}/cache)
    set_tests_properties(check.${impl}.margins PROPERTIES LABELS "conformance;${impl}${device}${long}" TIMEOUT ${seconds} SKIP_RETURN_CODE 77
        FIXTURES_SETUP conforms.${impl})
    # Options in company: for those that offer nearly all of them; the others have them in ci/nightly.sh's full check.
    if(impl MATCHES "^(naive|blas|cpu)$")
        add_test(NAME check.${impl}.mixes WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
            COMMAND assay check --impl ${impl} --case *-mix* --check forward,backward,update --seed @${seed_file} --cache ${CMAKE_BINARY_DIR}/cache)
        set_tests_properties(check.${impl}.mixes PROPERTIES LABELS "conformance;${impl}" TIMEOUT ${seconds} FIXTURES_REQUIRED seed
            FIXTURES_SETUP conforms.${impl})
    endif()
    if(impl IN_LIST untimed)
        continue()
    endif()
    add_test(NAME perf.${impl} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
        COMMAND assay bench --impl ${impl} --workload f.* --budget 20)
    # Half a minute with the machine to itself, for each: in every run the two that are worth timing.
    set(long ";long")
    if(impl MATCHES "^(blas|cpu)$")
        set(long "")
    endif()
    set_tests_properties(perf.${impl} PROPERTIES LABELS "perf;${impl}${long}" TIMEOUT 600 RUN_SERIAL ON SKIP_RETURN_CODE 77
        FIXTURES_REQUIRED conforms.${impl})
endforeach()

# An instrumented build lacks most mutants (conformance/mutants/CMakeLists.txt).
if(NOT ASSAY_SANITIZE AND NOT ASSAY_COVERAGE)
    add_test(NAME mutants WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
        COMMAND assay mutants --seed @${seed_file} --cache ${CMAKE_BINARY_DIR}/cache)
    add_test(NAME mutants.honest WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
        COMMAND assay mutants --honest --seed 0x5eed --cache ${CMAKE_BINARY_DIR}/cache)
    set_tests_properties(mutants mutants.honest PROPERTIES LABELS mutants TIMEOUT 900 FIXTURES_REQUIRED seed)
    # The longest first, beside all others: each keeps one processor busy for minutes.
    set_tests_properties(mutants PROPERTIES COST 300)
    set_tests_properties(mutants.honest PROPERTIES COST 100)
endif()
