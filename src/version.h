// SPDX-License-Identifier: BSD-2-Clause
// src/version.h - what this binary is, for --version and for the frames between its processes.
#ifndef POSTERN_SRC_VERSION_H
#define POSTERN_SRC_VERSION_H

#define VERSION_TEXT POSTERN_VERSION
#define VERSION_BUILD_ID "postern-" POSTERN_VERSION

#endif
