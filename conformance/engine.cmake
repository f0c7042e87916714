# engine.cmake: the suite itself: cases, truths and floors, checks, gate.
# SPDX-License-Identifier: MIT

# Floors and certificates speak of these very sources: what computes and what runs it under rounding, not what certifies
# it. What a cache keeps depends on how distances are measured, too.
file(GLOB reference_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/reference/*.c ${CMAKE_SOURCE_DIR}/reference/*.h
     ${CMAKE_SOURCE_DIR}/reference/*.hpp)
list(FILTER reference_sources EXCLUDE REGEX "/certify[^/]*$")
list(SORT reference_sources)
list(APPEND reference_sources ${CMAKE_CURRENT_SOURCE_DIR}/floor_runs.c ${CMAKE_CURRENT_SOURCE_DIR}/oracle.c)

function(hash_of_files out)
    set(hashes "")
    foreach(source ${ARGN})
        file(SHA256 ${source} hash)
        string(APPEND hashes ${hash})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    endforeach()
    string(SHA256 hash "${hashes}")
    set(${out} ${hash} PARENT_SCOPE)
endfunction()

hash_of_files(reference_hash ${reference_sources})
hash_of_files(oracle_hash ${reference_sources} ${CMAKE_CURRENT_SOURCE_DIR}/compare.c)

# Floors of narrow formats at documented shapes come of these, too.
file(GLOB rounded_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/reference/rounded/*.c ${CMAKE_SOURCE_DIR}/reference/rounded/*.h)
list(SORT rounded_sources)
hash_of_files(rounded_hash ${rounded_sources} ${CMAKE_CURRENT_SOURCE_DIR}/floor_rounded.c)

# Cases that hold every pair of options, and the dialects that these are; then those that hold every pair of sizes and kinds. Included by
# case.c and case_row.c.
set(pairs ${CMAKE_CURRENT_BINARY_DIR}/pairs/conformance)
file(MAKE_DIRECTORY ${pairs})
assay_add(program assay-mixes SOURCES mixes_make.c mixes.c case_problem.c LINK assay_base)
set(mixes ${pairs}/mixes.inc ${pairs}/mix_dialects.inc ${pairs}/mix_pairs.h)
add_custom_command(OUTPUT ${mixes} COMMAND assay-mixes ${mixes} DEPENDS assay-mixes VERBATIM)
add_custom_target(assay_mixes DEPENDS ${mixes})
assay_add(program assay-pairs SOURCES pairs_make.c pairs.c case_row.c case_problem.c case_data.c values.c LINK assay_base)
target_include_directories(assay-pairs PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/pairs)
add_dependencies(assay-pairs assay_mixes)
add_custom_command(OUTPUT ${pairs}/pairs.inc COMMAND assay-pairs ${pairs}/pairs.inc DEPENDS assay-pairs VERBATIM)

# A certificate speaks of what judged: these sources, the reference among them.
file(GLOB judging CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.[ch] ${CMAKE_CURRENT_SOURCE_DIR}/*.inc
     ${CMAKE_CURRENT_SOURCE_DIR}/checks/*.[ch] ${CMAKE_CURRENT_SOURCE_DIR}/cases/*.inc
     ${CMAKE_CURRENT_SOURCE_DIR}/worker/*.[ch] ${CMAKE_CURRENT_SOURCE_DIR}/worker/*.inc)
set(judging_list ${CMAKE_CURRENT_BINARY_DIR}/suite_version.txt)
list(APPEND judging ${reference_sources} ${rounded_sources})
list(REMOVE_DUPLICATES judging)
list(JOIN judging "\n" lines)
file(CONFIGURE OUTPUT ${judging_list} CONTENT "${lines}\n" @ONLY)
set(suite_version ${CMAKE_CURRENT_BINARY_DIR}/suite_version.c)
add_custom_command(OUTPUT ${suite_version}
    COMMAND ${CMAKE_COMMAND} -DLIST=${judging_list} -DVERSION=${PROJECT_VERSION} -DOUT=${suite_version}
            -P ${CMAKE_CURRENT_SOURCE_DIR}/suite_version.cmake
    DEPENDS ${judging} ${judging_list} ${CMAKE_CURRENT_SOURCE_DIR}/suite_version.cmake VERBATIM)

file(GLOB checks CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/checks/*.c)
assay_add(library assay_conformance
    SOURCES verdict.c names.c values.c case.c case_row.c case_problem.c case_data.c mixes.c pairs.c ${pairs}/pairs.inc compare.c arithmetic.c floor_runs.c floor_rounded.c floor_validate.c oracle.c cache.c floors.c floor_table.c subject.c trial.c beside.c derived.c pieces.c units.c expect.c refusal.c suite.c feature.c
            certificate.c certificate_file.c ${suite_version} gate.c mutation.c
            case_parse.c shrink.c locate.c audit.c audit_side.c audit_measure.c learning.c learning_tasks.c learning_vowels.c learning_pupil.c diagnose.c suspect.c looks.c worlds.c worlds_dialect.c worlds_inputs.c worlds_weights.c worlds_data.c
            golden.c golden_compare.c ${checks}
    DEFINE ASSAY_REFERENCE_HASH="${reference_hash}" ASSAY_ORACLE_HASH="${oracle_hash}" ASSAY_ROUNDED_HASH="${rounded_hash}"
    LINK assay_covered)
target_include_directories(assay_conformance PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/pairs)
add_dependencies(assay_conformance assay_mixes)
target_link_libraries(assay_conformance PUBLIC assay_session assay_reference PkgConfig::JANSSON PkgConfig::SODIUM
                      OpenMP::OpenMP_C m)

foreach(name compare names locate diagnose case_parse cases certificate oracle narrow floor_table golden)
    assay_add(test test_${name} SOURCES tests/test_${name}.c tests/folder.c LINK assay_conformance assay_covered
              DEFINE ASSAY_WORKER="$<TARGET_FILE:assay-worker>" ASSAY_FLOORS="${CMAKE_SOURCE_DIR}/fixtures/floors")
endforeach()
set_tests_properties(test_narrow PROPERTIES COST 50) # a minute where it is instrumented: it begins first
# For compute-sanitizer and debuggers: a plugin within the very process that they look into.
assay_add(program assay-guest SOURCES tests/guest.c LINK assay_conformance assay_worker_lib Threads::Threads ${CMAKE_DL_LIBS})
set_target_properties(assay-guest PROPERTIES BUILD_RPATH_USE_ORIGIN ON INSTALL_RPATH "$ORIGIN/../lib")

assay_add(test test_trial SOURCES tests/test_trial.c tests/rig.c LINK assay_conformance
          DEFINE ASSAY_ROGUE_DIR="${ASSAY_LIB_DIR}/tests")
add_dependencies(test_trial assay-worker plugin_rogue)
assay_add(test test_golden_teeth SOURCES tests/test_golden_teeth.c LINK assay_conformance
          DEFINE ASSAY_GOLDEN="${CMAKE_SOURCE_DIR}/fixtures/golden")
