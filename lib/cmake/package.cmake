# Makes an installable package of the target sluice_runtime, in two components:
#
#   libsluice      the shared library (empty for a static build)
#   libsluice-dev  the headers, the static library or the link to the shared one, and how to find
#                  them: find_package(sluice CONFIG), and pkg-config sluice
#
# BUILD_SHARED_LIBS decides between libsluice.so and libsluice.a; one prefix holds one of the two,
# unless SLUICE_DEBIAN asks for both, as a package of a distribution has them: the target
# sluice::runtime is the shared library then, and sluice::runtime_static the other.
# All of it can be moved to another place after it is installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# While the version is 0.x every minor version may break the interface, so it is part of the soname.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(SLUICE_ABI_VERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  set(SLUICE_COMPATIBILITY SameMinorVersion)
else()
  set(SLUICE_ABI_VERSION ${PROJECT_VERSION_MAJOR})
  set(SLUICE_COMPATIBILITY SameMajorVersion)
endif()

set(sluice_runtimes sluice_runtime)
set_target_properties(sluice_runtime PROPERTIES EXPORT_NAME runtime)
set(SLUICE_PC_DEFINES "")
get_target_property(sluice_kind sluice_runtime TYPE)
if(SLUICE_DEBIAN)
  if(NOT sluice_kind STREQUAL "STATIC_LIBRARY")
    message(FATAL_ERROR "SLUICE_DEBIAN makes both kinds of the library, without BUILD_SHARED_LIBS")
  endif()
  sluice_add_runtime(sluice_runtime_shared SHARED)
  list(APPEND sluice_runtimes sluice_runtime_shared)
  set_target_properties(sluice_runtime PROPERTIES EXPORT_NAME runtime_static)
  set_target_properties(sluice_runtime_shared PROPERTIES EXPORT_NAME runtime)
elseif(sluice_kind STREQUAL "STATIC_LIBRARY")
  set(SLUICE_PC_DEFINES " -DSLUICE_STATIC")
endif()
set_target_properties(${sluice_runtimes} PROPERTIES
  OUTPUT_NAME sluice
  VERSION ${PROJECT_VERSION}
  SOVERSION ${SLUICE_ABI_VERSION}
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON)
if(sluice_kind STREQUAL "STATIC_LIBRARY")
  set(SLUICE_HAS_STATIC ON)
  target_compile_definitions(sluice_runtime PUBLIC SLUICE_STATIC)
else()
  set(SLUICE_HAS_STATIC OFF)
endif()

install(TARGETS ${sluice_runtimes} EXPORT sluice-targets
  LIBRARY
    DESTINATION ${CMAKE_INSTALL_LIBDIR}
    COMPONENT libsluice
    NAMELINK_COMPONENT libsluice-dev
  ARCHIVE
    DESTINATION ${CMAKE_INSTALL_LIBDIR}
    COMPONENT libsluice-dev)
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT libsluice-dev
  FILES_MATCHING PATTERN "*.hpp")

set(sluice_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)
install(EXPORT sluice-targets
  NAMESPACE sluice::
  DESTINATION ${sluice_cmake_dir}
  COMPONENT libsluice-dev)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sluice-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/sluice-config.cmake
  INSTALL_DESTINATION ${sluice_cmake_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/sluice-config-version.cmake
  VERSION ${PROJECT_VERSION}
  COMPATIBILITY ${SLUICE_COMPATIBILITY})
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/sluice-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/sluice-config-version.cmake
  DESTINATION ${sluice_cmake_dir}
  COMPONENT libsluice-dev)

# The pkg-config file finds the prefix from where it lies itself, so that the package can be moved.
# A folder that was given as an absolute path stays what it is.
set(sluice_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(SLUICE_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
  set(SLUICE_PC_LIBDIR ${CMAKE_INSTALL_LIBDIR})
else()
  file(RELATIVE_PATH up /prefix/${sluice_pc_dir} /prefix)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(SLUICE_PC_PREFIX "\${pcfiledir}/${up}")
  set(SLUICE_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(SLUICE_PC_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
else()
  set(SLUICE_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/sluice.pc.in
  ${CMAKE_CURRENT_BINARY_DIR}/sluice.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sluice.pc
  DESTINATION ${sluice_pc_dir}
  COMPONENT libsluice-dev)
