# The Debian packages sluiced, libsluice (called libsluice0.1 there, after its soname, as Debian wants
# it) and libsluice-dev, one for each component of the installation. daemon/packages.sh sets the flags
# of the compiler, the time that files have, and runs cpack.
#
# The program has the runtime linked in, as it is measured and tested: the package of the shared
# library is for other programs.
include(GNUInstallDirs)

if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  message(FATAL_ERROR "SLUICE_DEBIAN needs the prefix /usr: use daemon/packages.sh")
endif()

# The first line of the changelog says which version this is: "sluice (0.1.0-1) bookworm; ...".
set(sluice_debian ${PROJECT_SOURCE_DIR}/lib/debian)
file(STRINGS ${sluice_debian}/changelog first LIMIT_COUNT 1)
if(NOT first MATCHES "^sluice \\(([0-9.]+)-([0-9]+)\\) " OR
   NOT CMAKE_MATCH_1 STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "lib/debian/changelog begins with another version than ${PROJECT_VERSION}")
endif()
set(sluice_package_version ${CMAKE_MATCH_1}-${CMAKE_MATCH_2})
get_directory_property(abi_version DIRECTORY ${PROJECT_SOURCE_DIR}/lib DEFINITION SLUICE_ABI_VERSION)
get_directory_property(liburing_minimum
  DIRECTORY ${PROJECT_SOURCE_DIR}/lib DEFINITION SLUICE_LIBURING_MINIMUM)
set(library_package libsluice${abi_version})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # would stand before that of each package
set(CPACK_PACKAGE_CONTACT "The sluice authors <authors@sluice.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL sluiced libsluice libsluice-dev)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_2})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_SLUICED_PACKAGE_NAME sluiced)
set(CPACK_DEBIAN_SLUICED_PACKAGE_SOURCE sluice)
set(CPACK_DEBIAN_SLUICED_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_SLUICED_PACKAGE_PREDEPENDS "init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_SLUICED_PACKAGE_DEPENDS
  "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_SLUICED_PACKAGE_PROVIDES httpd)
set(CPACK_DEBIAN_SLUICED_PACKAGE_SUGGESTS prometheus)
set(CPACK_DEBIAN_SLUICED_DESCRIPTION "read-only HTTP file server on io_uring
sluiced serves directories over HTTP/1.1, with conditions and ranges to the
letter, precompressed siblings, digests, virtual hosts, redirects, listings
and archives.
.
It runs as a confined systemd service, reloads its configuration without
refusing or delaying anybody, hands its listening sockets over from one run
to the next, and tells Prometheus what it does.
.
It needs Linux 6.1 or later, with io_uring allowed.")
set(daemon_debian ${PROJECT_SOURCE_DIR}/daemon/debian)
set(CPACK_DEBIAN_SLUICED_PACKAGE_CONTROL_EXTRA
  ${daemon_debian}/postinst ${daemon_debian}/prerm ${daemon_debian}/postrm
  ${daemon_debian}/conffiles)

set(CPACK_DEBIAN_LIBSLUICE_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBSLUICE_PACKAGE_SOURCE sluice)
set(CPACK_DEBIAN_LIBSLUICE_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBSLUICE_PACKAGE_PROVIDES "libsluice (= ${sluice_package_version})")
set(CPACK_DEBIAN_LIBSLUICE_PACKAGE_CONTROL_EXTRA ${sluice_debian}/triggers)
set(CPACK_DEBIAN_LIBSLUICE_DESCRIPTION "coroutine runtime on io_uring - shared library
sluice makes reads, writes, accepts and timers of Linux awaitable operations
of C++23: one thread has one ring, every task has an owner, and a cancelled
operation is over only when the kernel says so.
.
This is the library that programs are run with.")

set(CPACK_DEBIAN_LIBSLUICE-DEV_PACKAGE_NAME libsluice-dev)
set(CPACK_DEBIAN_LIBSLUICE-DEV_PACKAGE_SOURCE sluice)
set(CPACK_DEBIAN_LIBSLUICE-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBSLUICE-DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBSLUICE-DEV_PACKAGE_DEPENDS
  "${library_package} (= ${sluice_package_version}), liburing-dev (>= ${liburing_minimum})")
set(CPACK_DEBIAN_LIBSLUICE-DEV_DESCRIPTION "coroutine runtime on io_uring - development files
sluice makes reads, writes, accepts and timers of Linux awaitable operations
of C++23: one thread has one ring, every task has an owner, and a cancelled
operation is over only when the kernel says so.
.
This is what programs are built with: headers, the static library, and files
for CMake and pkg-config.")

# What every package has in its folder of documentation.
foreach(pair sluiced=sluiced libsluice=${library_package} libsluice-dev=libsluice-dev)
  string(REGEX MATCH "^([^=]+)=(.+)$" pair ${pair})
  set(component ${CMAKE_MATCH_1})
  set(package ${CMAKE_MATCH_2})
  set(folder ${CMAKE_INSTALL_DATADIR}/doc/${package})
  install(FILES ${sluice_debian}/copyright DESTINATION ${folder} COMPONENT ${component})
  sluice_install_compressed(${component} ${sluice_debian}/changelog changelog.Debian.gz ${folder})
  sluice_install_compressed(${component} ${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.gz ${folder})
  set(overrides ${sluice_debian}/lintian-overrides)
  if(component STREQUAL libsluice)
    set(overrides ${sluice_debian}/libsluice.lintian-overrides)
  endif()
  install(FILES ${overrides}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME ${package}
    COMPONENT ${component})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/lib/README.md DESTINATION
  ${CMAKE_INSTALL_DATADIR}/doc/libsluice-dev COMPONENT libsluice-dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/docs ${PROJECT_SOURCE_DIR}/lib/examples
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libsluice-dev COMPONENT libsluice-dev)
install(FILES ${PROJECT_SOURCE_DIR}/README.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/sluiced COMPONENT sluiced)
install(FILES ${PROJECT_SOURCE_DIR}/config/sluiced.yaml DESTINATION /etc/sluice COMPONENT sluiced)

include(CPack)
