# What `cmake --install` gives: library, public headers, command, CMake package, pkg-config file. Included from the top, after
# apps/. All paths among them are relative, so that the installed tree may be moved.
include(CMakePackageConfigHelpers)

file(RELATIVE_PATH libdir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH includedir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
file(RELATIVE_PATH lib_from_bin "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH prefix_from_pc "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")

set_target_properties(furrow_command PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
install(TARGETS furrow EXPORT furrowTargets)
install(TARGETS furrow_command)
install(FILES src/furrow.h src/furrow_image.h src/furrow_images.h src/furrow_mpi.h src/furrow_kernel.h src/furrow_pool.h TYPE INCLUDE)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/furrow)
install(EXPORT furrowTargets NAMESPACE furrow:: DESTINATION ${package_dir})
configure_package_config_file(src/furrowConfig.cmake.in furrowConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(furrowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/furrowConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/furrowConfigVersion.cmake
  DESTINATION ${package_dir})

configure_file(src/furrow.pc.in furrow.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/furrow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
