#!/usr/bin/env bash
# Usage: daemon/packages.sh [FOLDER]
#
# Makes the Debian packages sluiced, libsluice and libsluice-dev, and prints their names. They are
# built in FOLDER (build/packages unless given), which may be used again, and lie in FOLDER/debs.
# Wherever and whenever they are made from the same files with the same compiler, they are the same
# bit for bit.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/lib.sh"

case ${1-} in -*) die 64 "usage: daemon/packages.sh [FOLDER]" ;; esac
(($# <= 1)) || die 64 "usage: daemon/packages.sh [FOLDER]"
"$root/.ci/install-packages" build package
build=$(realpath -m -- "${1-$root/build/packages}")
mkdir -p "$build"
umask 022

# As debhelper does it: files are as old as the newest entry of the changelog.
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$root/lib/debian/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH
# The folders of the build show up nowhere, whether they are named by absolute paths or, as by ccache,
# by relative ones. Of two maps that fit the later one counts.
export DEB_BUILD_MAINT_OPTIONS="hardening=+all reproducible=-fixfilepath,-fixdebugpath"
export DEB_CXXFLAGS_MAINT_STRIP=-g
paths="-ffile-prefix-map=$root=. -ffile-prefix-map=$build=build"
paths+=" -ffile-prefix-map=$(realpath --relative-to="$build" "$root")=."
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
compile="$(dpkg-buildflags --get CXXFLAGS) $(dpkg-buildflags --get CPPFLAGS) $paths"
link=$(dpkg-buildflags --get LDFLAGS)

cmake -S "$root" -B "$build" -G Ninja -DSLUICE_DEBIAN=ON -DCMAKE_INSTALL_PREFIX=/usr \
  -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="$compile" \
  -DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG -DCMAKE_EXE_LINKER_FLAGS="$link" \
  -DCMAKE_SHARED_LINKER_FLAGS="$link" -DBUILD_SHARED_LIBS=OFF \
  -DSLUICE_BUILD_TESTS=OFF -DSLUICE_BUILD_EXAMPLES=OFF >&2
cmake --build "$build" -j "$(nproc)" >&2
rm -rf "$build/debs"
# An archive of packages may call the same version another revision of it.
cpack --config "$build/CPackConfig.cmake" -B "$build/debs" \
  ${SLUICE_DEBIAN_REVISION:+-D "CPACK_DEBIAN_PACKAGE_RELEASE=$SLUICE_DEBIAN_REVISION"} >&2
rm -rf "$build/debs/_CPack_Packages"
printf '%s\n' "$build/debs"/*.deb
