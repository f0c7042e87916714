# AssayIsa.cmake: one source, one object an instruction set; the program picks at run time what its processor has.
# SPDX-License-Identifier: MIT
#
#   assay_isa_objects(OUT NAME SOURCE OPTIONS...)
#
# OUT = the objects of SOURCE for baseline and, on x86-64, avx2 and avx512. OPTIONS say whether multiply-adds may be
# contracted: GCC's vector types have no portable spelling of a fused one. Those sources, and no others, say in their
# first lines why that changes nothing but the speed.
function(assay_isa_objects out name source)
    set(isas baseline)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        list(APPEND isas avx2 avx512)
    endif()
    set(flags_avx2 -mavx2 -mfma)
    set(flags_avx512 -mavx512f -mfma -mprefer-vector-width=512)
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all) # comes after assay_flags' own
    set(objects)
    foreach(isa ${isas})
        add_library(${name}_${isa} OBJECT ${source})
        target_link_libraries(${name}_${isa} PRIVATE assay_flags)
        target_compile_options(${name}_${isa} PRIVATE -O3 ${ARGN} ${flags_${isa}})
        set_target_properties(${name}_${isa} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
                              C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
        list(APPEND objects $<TARGET_OBJECTS:${name}_${isa}>)
    endforeach()
    set(${out} ${objects} PARENT_SCOPE)
endfunction()
