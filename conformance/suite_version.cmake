# suite_version.cmake: writes the C source that names the suite: its version, and a hash of the sources that judge.
# SPDX-License-Identifier: MIT
# Arguments: LIST, a file of paths, one a line; VERSION; OUT. A script, so that an edit costs no run of the configuration.
file(STRINGS ${LIST} sources)
set(hashes "")
foreach(source IN LISTS sources)
    file(SHA256 ${source} hash)
    string(APPEND hashes ${hash})
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING ${hash} 0 12 hash)
file(WRITE ${OUT} "/* suite_version.c: made by suite_version.cmake. */
#include \"conformance/certificate.h\"

const char assay_suite_version[] = \"${VERSION}+${hash}\";
")
