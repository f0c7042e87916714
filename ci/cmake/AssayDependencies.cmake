# AssayDependencies.cmake: what the build needs; each one missing is one line that says which package has it.
# SPDX-License-Identifier: MIT
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C CXX)

function(assay_pkg target module package)
    pkg_check_modules(${target} IMPORTED_TARGET ${module})
    if(NOT ${target}_FOUND)
        message(FATAL_ERROR "${module} not found: install ${package} (ci/run.sh does it), or set PKG_CONFIG_PATH")
    endif()
endfunction()
assay_pkg(JANSSON jansson libjansson-dev)
assay_pkg(SODIUM libsodium libsodium-dev)
assay_pkg(CMOCKA cmocka libcmocka-dev)
assay_pkg(OPENBLAS openblas libopenblas-dev)
find_package(benchmark QUIET)
if(NOT benchmark_FOUND)
    message(FATAL_ERROR "benchmark not found: install libbenchmark-dev (ci/run.sh does it), or set benchmark_DIR")
endif()

# What a bare machine lacks goes into what needs it: for the bundle of ci/gpu.sh, which must not bring libraries of its own
# under names that others on that machine look for (an interpreter's libstdc++).
option(ASSAY_STATIC "Link jansson, libsodium, OpenBLAS and the compiler's own libraries statically" OFF)
if(ASSAY_STATIC)
    function(assay_archive target archive package)
        find_library(ASSAY_ARCHIVE_${archive} lib${archive}.a HINTS ${${target}_LIBRARY_DIRS} ${${target}_LIBDIR})
        if(NOT ASSAY_ARCHIVE_${archive})
            message(FATAL_ERROR "ASSAY_STATIC: lib${archive}.a not found: ${package} has it")
        endif()
        set_target_properties(PkgConfig::${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${ASSAY_ARCHIVE_${archive}};${ARGN}")
    endfunction()
    assay_archive(JANSSON jansson libjansson-dev)
    assay_archive(SODIUM sodium libsodium-dev)
    assay_archive(OPENBLAS openblas libopenblas-dev Threads::Threads m)
    foreach(language C CXX)
        execute_process(COMMAND ${CMAKE_${language}_COMPILER} -print-file-name=libgomp.a OUTPUT_VARIABLE gomp
                        OUTPUT_STRIP_TRAILING_WHITESPACE)
        set_target_properties(OpenMP::OpenMP_${language} PROPERTIES
            INTERFACE_LINK_LIBRARIES "${gomp};Threads::Threads;${CMAKE_DL_LIBS}")
    endforeach()
endif()
