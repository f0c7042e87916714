# mutate.cmake: the copy of a source with the edits that a table (edits.cmake) lists for a name and it.
# SPDX-License-Identifier: MIT
# Included: assay_edited_copy(). Run by the build: cmake -DNAME=... -DROOT=... -DSOURCE=... -DOUT=... -DEDITS=... -P mutate.cmake
# writes OUT, which is SOURCE (a path inside ROOT) edited.
# An edit whose text does not stand in the source exactly once stops the build: the mutant has to follow the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
    # The rule that makes the copy of SOURCE with the edits that the file EDITS lists for NAME; its path in OUT.
    function(assay_edited_copy name source edits out)
        set(script ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
        set(copy ${CMAKE_CURRENT_BINARY_DIR}/${name}/${source})
        get_filename_component(folder ${copy} DIRECTORY)
        file(MAKE_DIRECTORY ${folder})
        add_custom_command(OUTPUT ${copy}
            COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DROOT=${CMAKE_SOURCE_DIR} -DSOURCE=${source} -DOUT=${copy} -DEDITS=${edits}
                    -P ${script}
            DEPENDS ${CMAKE_SOURCE_DIR}/${source} ${edits} ${script} VERBATIM)
        set(${out} ${copy} PARENT_SCOPE)
    endfunction()
    return()
endif()

cmake_minimum_required(VERSION 3.25)
file(READ ${ROOT}/${SOURCE} text)

function(edit name file from to)
    if(NOT name STREQUAL NAME OR NOT file STREQUAL SOURCE)
        return()
    endif()
    string(LENGTH "${from}" length)
    string(FIND "${text}" "${from}" first)
    string(FIND "${text}" "${from}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last OR length EQUAL 0)
        message(FATAL_ERROR "mutant ${name}: ${file} does not hold this exactly once:\n${from}")
    endif()
    string(REPLACE "${from}" "${to}" text "${text}")
    set(text "${text}" PARENT_SCOPE)
endfunction()

include(${EDITS})
file(WRITE ${OUT}.new "${text}")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
file(REMOVE ${OUT}.new)
