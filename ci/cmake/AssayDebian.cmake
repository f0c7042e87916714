# AssayDebian.cmake: run by CPack on the tree that becomes a .deb: what Debian's policy wants of it beyond `cmake --install`.
# SPDX-License-Identifier: MIT
if(NOT CPACK_GENERATOR STREQUAL "DEB")
    return()
endif()
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share)

# Of a native package: Debian's form; what changed stands in CHANGELOG.md beside it. $SOURCE_DATE_EPOCH makes it repeatable.
set(contact ${CPACK_PACKAGE_CONTACT})
if(NOT contact MATCHES "<.+>")
    string(APPEND contact " <none>") # the form wants an address, and none is made up
endif()
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${share}/doc/assay/changelog
     "assay (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n  * Version ${CPACK_PACKAGE_VERSION}; see CHANGELOG.md.\n\n"
     " -- ${contact}  ${now}\n")
file(GLOB pages ${share}/man/man1/*.1)
execute_process(COMMAND gzip -n9 ${pages} ${share}/doc/assay/changelog COMMAND_ERROR_IS_FATAL ANY)

# lintian warns of an override that nothing needs: each only where a plugin has such a path.
file(GLOB plugins ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/lib/assay/impl/*.so)
execute_process(COMMAND readelf -d ${plugins} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
file(READ ${CMAKE_CURRENT_LIST_DIR}/../install/lintian-overrides overrides)
foreach(room blis-serial openblas-pthread /usr/local/cuda)
    if(NOT dynamic MATCHES "RUNPATH[^\n]*${room}")
        string(REGEX REPLACE "[^\n]*RUNPATH [^\n]*${room}[^\n]*\n" "" overrides "${overrides}")
    endif()
endforeach()
file(WRITE ${share}/lintian/overrides/assay "${overrides}")
