# AssayInstall.cmake: what `cmake --install` and CPack take: the program with what it needs, and what a plugin is built against.
# SPDX-License-Identifier: MIT
#
# Everything is found from the program's own folder (perf/cli/paths.h), so that a tree may be moved as a whole; lib/ is
# plain lib/ for that reason, also where libraries of other packages lie deeper.
include(CMakePackageConfigHelpers)

# In an instrumented build targets are there to be tested.
if(ASSAY_SANITIZE OR ASSAY_COVERAGE)
    return()
endif()

# What is used, without what tests it: a fifth of all that is built.
add_custom_target(installed DEPENDS assay assay-worker assay_worker_lib)
install(TARGETS assay assay-worker RUNTIME DESTINATION bin)
install(TARGETS assay_worker_lib LIBRARY DESTINATION lib/assay/worker) # nobody links it: the worker and the Python host load it
get_property(plugins GLOBAL PROPERTY ASSAY_PLUGINS_impl)
foreach(name ${plugins})
    if(TARGET plugin_${name})
        set_target_properties(plugin_${name} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON) # where it was linked from a folder of one's own
        add_dependencies(installed plugin_${name})
        install(TARGETS plugin_${name} LIBRARY DESTINATION lib/assay/impl)
    endif()
endforeach()
install(DIRECTORY ${ASSAY_LIB_DIR}/impl/ DESTINATION lib/assay/impl FILES_MATCHING PATTERN "*.py")
install(DIRECTORY ${ASSAY_LIB_DIR}/python/ DESTINATION lib/assay/python PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY fixtures/floors fixtures/golden fixtures/vowels impl/common/new DESTINATION share/assay)

# The paths of the headers are those of the tree: a plugin's source builds in it and outside of it unchanged.
install(FILES impl/impl.h DESTINATION include/assay/impl)
install(FILES reference/problem.h DESTINATION include/assay/reference)
set(package ${CMAKE_BINARY_DIR}/package)
write_basic_package_version_file(${package}/AssayConfigVersion.cmake VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ci/install/AssayConfig.cmake ${package}/AssayConfigVersion.cmake DESTINATION lib/cmake/Assay)
configure_file(ci/install/assay.pc.in ${package}/assay.pc @ONLY)
install(FILES ${package}/assay.pc DESTINATION share/pkgconfig) # it names no architecture

# The manual page says what --help says, since it is made of it.
add_custom_command(OUTPUT ${package}/assay.1 DEPENDS assay ${CMAKE_SOURCE_DIR}/ci/install/man.sh
    COMMAND ${CMAKE_SOURCE_DIR}/ci/install/man.sh $<TARGET_FILE:assay> ${package}/assay.1 VERBATIM)
add_custom_target(assay_man ALL DEPENDS ${package}/assay.1)
add_dependencies(installed assay_man)
install(FILES ${package}/assay.1 ci/install/assay-worker.1 DESTINATION share/man/man1)
install(FILES ci/install/completion.bash DESTINATION share/bash-completion/completions RENAME assay)
install(PROGRAMS ci/fleet/job.sh DESTINATION share/assay/fleet)
install(FILES README.md CHANGELOG.md DESTINATION share/doc/assay)
install(FILES LICENSE DESTINATION share/doc/assay RENAME copyright)
install(DIRECTORY docs/ DESTINATION share/doc/assay/docs)

set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME assay)
set(ASSAY_CONTACT "The developers of Assay" CACHE STRING "Who answers for a package: NAME <ADDRESS>, which Debian's policy wants")
set(CPACK_PACKAGE_CONTACT "${ASSAY_CONTACT}")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_PACKAGE_DESCRIPTION "It proves that an implementation of LSTM, GRU, plain RNN, softmax\ncross-entropy or CTC computes the stated function, \
with limits that are\nmeasured and never typed in, and only then times it, beside the limit of\nthe machine. Implementations are shared objects, each in a \
process of its\nown.")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/AssayDebian.cmake)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(TARGET plugin_blas-blis) # any BLIS satisfies what it is linked to, and those with threads allocate in each call
    set(CPACK_DEBIAN_PACKAGE_DEPENDS libblis4-serial)
endif()
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, gcc, gnuplot-nox, python3")
include(CPack)
