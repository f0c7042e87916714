# AssayCommit.cmake: writes OUTPUT, a header with the commit of SOURCE ("" outside of git), if that changed.
# SPDX-License-Identifier: MIT
cmake_minimum_required(VERSION 3.25) # a script has no policies but those it asks for
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit ERROR_QUIET
                OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE no_git)
if(no_git)
    set(commit "")
else()
    execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no OUTPUT_VARIABLE changed ERROR_QUIET)
    if(changed)
        string(APPEND commit "-changed")
    endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "/* commit.h: made by the build. */\n#define ASSAY_COMMIT \"@commit@\"\n" @ONLY)
