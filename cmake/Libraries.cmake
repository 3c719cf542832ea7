# SPDX-License-Identifier: BSD-2-Clause
# Each library is a Debian package; README.md says why each is there.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(libevent REQUIRED IMPORTED_TARGET libevent_core)
pkg_check_modules(openssl REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(confuse REQUIRED IMPORTED_TARGET libconfuse)
pkg_check_modules(cunit REQUIRED IMPORTED_TARGET cunit)
