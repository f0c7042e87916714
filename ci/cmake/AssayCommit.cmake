# AssayCommit.cmake: writes OUTPUT, a header with the commit of SOURCE and its time ("" outside of git), if that changed.
# SPDX-License-Identifier: MIT
cmake_minimum_required(VERSION 3.25) # a script has no policies but those it asks for
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit ERROR_QUIET
                OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE no_git)
if(no_git)
    set(commit "")
    set(when "")
else()
    execute_process(COMMAND ${CMAKE_COMMAND} -E env TZ=UTC git -C ${SOURCE} log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ
                    OUTPUT_VARIABLE when ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no OUTPUT_VARIABLE changed ERROR_QUIET)
    if(changed)
        string(APPEND commit "-changed")
    endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "/* commit.h: made by the build. */\n#define ASSAY_COMMIT \"@commit@\"\n#define ASSAY_COMMIT_TIME \"@when@\"\n" @ONLY)
