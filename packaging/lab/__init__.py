# SPDX-License-Identifier: BSD-2-Clause
"""A mail system of one's own in one folder: Postfix, Postern, sinks and clients.

Used by packaging/try, by the system tests and by the benchmark. Nothing here touches the mail
system that the machine has: Postfix runs from an unpacked copy of Debian's package.
"""
