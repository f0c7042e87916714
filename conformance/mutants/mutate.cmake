# mutate.cmake: writes OUT, which is SOURCE (a path inside ROOT) with the edits that EDITS lists for NAME and it.
# SPDX-License-Identifier: MIT
# Run by the build: cmake -DNAME=... -DROOT=... -DSOURCE=... -DOUT=... -DEDITS=... -P mutate.cmake
# An edit whose text does not stand in the source exactly once stops the build: the mutant has to follow the source.
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
