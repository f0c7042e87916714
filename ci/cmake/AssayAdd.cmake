# AssayAdd.cmake: assay_add(), the one function that makes a target of this project.
# SPDX-License-Identifier: MIT
#
#   assay_add(library NAME SOURCES ... [LINK ...] [DEFINE ...])            static, position independent
#   assay_add(objects NAME SOURCES ... [LINK ...] [DEFINE ...])            compiled once for several: $<TARGET_OBJECTS:NAME>
#   assay_add(plugin  NAME SOURCES ... [LINK ...] [DEFINE ...] [SUBDIR d] [UNTIMED])
#       bin/../lib/assay/<SUBDIR or impl>/NAME.so; UNTIMED: ctest checks it and times nothing
#   assay_add(program NAME SOURCES ... [LINK ...] [DEFINE ...])            bin/NAME
#   assay_add(test    NAME SOURCES ... [LINK ...] [DEFINE ...] [LABELS ...] [TIMEOUT s])   cmocka, run by ctest
set(ASSAY_BIN_DIR ${CMAKE_BINARY_DIR}/bin)
set(ASSAY_LIB_DIR ${CMAKE_BINARY_DIR}/lib/assay)

add_library(assay_flags INTERFACE)
target_compile_options(assay_flags INTERFACE
    -Wall -Wextra -Wshadow -fno-math-errno -fno-strict-aliasing
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror=implicit-function-declaration>
    $<$<BOOL:${ASSAY_WERROR}>:-Werror>)
target_include_directories(assay_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(assay_flags INTERFACE _GNU_SOURCE)
# What has no archive, as Google Benchmark, is found beside the program, and so is what that needs in turn (DT_RPATH).
function(assay_found target)
    if(ASSAY_STATIC)
        set_property(TARGET ${target} APPEND PROPERTY BUILD_RPATH $ORIGIN/../lib/found)
        target_link_options(${target} PRIVATE -Wl,--disable-new-dtags)
    endif()
endfunction()
if(ASSAY_SANITIZE)
    target_compile_options(assay_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(assay_flags INTERFACE -fsanitize=address,undefined)
endif()
# The rooms under coverage link this (reference, conformance): plugins are judged, not covered. At -O0 the scalar classes of
# the noise floor take three times as long.
add_library(assay_covered INTERFACE)
if(ASSAY_COVERAGE)
    target_compile_options(assay_covered INTERFACE --coverage -O1 -fprofile-update=atomic)
    target_link_options(assay_flags INTERFACE --coverage)
endif()

function(assay_add kind name)
    cmake_parse_arguments(A "UNTIMED" "SUBDIR;TIMEOUT" "SOURCES;LINK;DEFINE;LABELS" ${ARGN})
    if(A_UNPARSED_ARGUMENTS OR NOT A_SOURCES)
        message(FATAL_ERROR "assay_add(${kind} ${name}): expected SOURCES, and no '${A_UNPARSED_ARGUMENTS}'")
    endif()
    if(kind STREQUAL "library")
        add_library(${name} STATIC ${A_SOURCES})
    elseif(kind STREQUAL "objects")
        add_library(${name} OBJECT ${A_SOURCES})
    elseif(kind STREQUAL "plugin")
        if(NOT A_SUBDIR)
            set(A_SUBDIR impl)
        endif()
        set(target plugin_${name})
        add_library(${target} MODULE ${A_SOURCES})
        if(ASSAY_STATIC)
            target_link_options(${target} PRIVATE -static-libgcc -static-libstdc++ -Wl,--exclude-libs,ALL)
            set_property(TARGET ${target} APPEND PROPERTY BUILD_RPATH $ORIGIN/../../found)
        endif()
        set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
            LIBRARY_OUTPUT_DIRECTORY ${ASSAY_LIB_DIR}/${A_SUBDIR})
        set_property(GLOBAL APPEND PROPERTY ASSAY_PLUGINS_${A_SUBDIR} ${name})
        if(A_UNTIMED)
            set_property(GLOBAL APPEND PROPERTY ASSAY_PLUGINS_untimed ${name})
        endif()
        set(name ${target})
    elseif(kind STREQUAL "program" OR kind STREQUAL "test")
        add_executable(${name} ${A_SOURCES})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${ASSAY_BIN_DIR} ENABLE_EXPORTS OFF)
        assay_found(${name})
    else()
        message(FATAL_ERROR "assay_add: kind '${kind}' is not library, objects, plugin, program or test")
    endif()
    set_target_properties(${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
        CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    target_compile_definitions(${name} PRIVATE ${A_DEFINE})
    target_link_libraries(${name} PRIVATE assay_flags ${A_LINK})
    if(kind STREQUAL "test")
        target_link_libraries(${name} PRIVATE PkgConfig::CMOCKA)
        add_test(NAME ${name} COMMAND ${name})
        if(NOT A_TIMEOUT)
            set(A_TIMEOUT 120)
        endif()
        if(ASSAY_SANITIZE OR ASSAY_COVERAGE)
            math(EXPR A_TIMEOUT "5 * ${A_TIMEOUT}") # instrumented code is so much slower
        endif()
        set_tests_properties(${name} PROPERTIES LABELS "unit;${A_LABELS}" TIMEOUT ${A_TIMEOUT} SKIP_RETURN_CODE 77)
    endif()
endfunction()
