# AssayConfig.cmake: find_package(Assay): headers and program, for plugins built outside of Assay's tree.
# SPDX-License-Identifier: MIT
#
#   Assay::impl     interface target with the include folder of impl/impl.h
#   Assay::assay    the program, for add_test()
#   assay_add_plugin(NAME SOURCES...)    NAME.so, as `assay check --impl ./NAME.so` takes it
get_filename_component(assay_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET Assay::impl)
    add_library(Assay::impl INTERFACE IMPORTED)
    set_target_properties(Assay::impl PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${assay_prefix}/include/assay")
    add_executable(Assay::assay IMPORTED)
    set_target_properties(Assay::assay PROPERTIES IMPORTED_LOCATION "${assay_prefix}/bin/assay")
endif()

function(assay_add_plugin name)
    if(NOT ARGN)
        message(FATAL_ERROR "assay_add_plugin(${name}): expected sources")
    endif()
    add_library(${name} MODULE ${ARGN})
    set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
    target_link_libraries(${name} PRIVATE Assay::impl m)
endfunction()
