# SPDX-License-Identifier: BSD-2-Clause
"""What others put in Postern's place, and the scanners that it asks, each in a folder of its own.

Neither the machine's configuration of them nor its services are read or changed.
"""

import os
import shutil
import socket
import subprocess
from typing import Optional

from lab import ports
from lab.clamd import Clamd
from lab.neighbour import Neighbour
from lab.rspamd import Rspamd
from messages import Message
from stand import Park, Target

AMAVISD = "/usr/sbin/amavisd"
CLAMSMTPD = "/usr/sbin/clamsmtpd"
AMAVIS_USER = "amavis"  # its package's
CLAMSMTP_USER = "nobody"
CONNECTIONS = 20  # amavis has a process for each

AMAVIS = """
use strict;
$daemon_user = $daemon_group = '{user}';
$MYHOME = $TEMPBASE = $db_home = $helpers_home = '{state}';
$QUARANTINEDIR = undef;
$pid_file = '{state}/amavisd.pid';  $lock_file = '{state}/amavisd.lock';
$mydomain = 'postern.test';  $myhostname = 'filter.postern.test';
$inet_socket_bind = '127.0.0.1';  $inet_socket_port = {port};
@inet_acl = qw(127.0.0.1);
$forward_method = $notify_method = 'smtp:[127.0.0.1]:{next}';
$max_servers = {connections};  $max_requests = 1000;
$log_level = 0;  $do_syslog = 0;  $LOGFILE = '{state}/amavis.log';
$enable_db = 0;  $enable_zmq = 0;
$enable_dkim_verification = 0;  $enable_dkim_signing = 0;
$final_bad_header_destiny = D_PASS;  $final_banned_destiny = D_PASS;
@bypass_virus_checks_maps = @bypass_spam_checks_maps = (1);
@bypass_banned_checks_maps = @bypass_header_checks_maps = (1);
$bypass_decode_parts = {bypasses};
$path = '/usr/bin:/bin';  $file = 'file';
@decoders = (['mail', \\&do_mime_decode]);
1;
"""

CLAMSMTP = """
OutAddress: 127.0.0.1:{next}
Listen: 127.0.0.1:{port}
ClamAddress: {clamd}
TempDirectory: {folder}
User: {user}
MaxConnections: 200
"""


def greets(port: int) -> bool:
    with socket.create_connection((ports.HOST, port), timeout=5) as client:
        return client.recv(512).startswith(b"220")


class Amavis(Neighbour):
    """With every check bypassed; is_decoding: it takes the MIME parts out all the same."""

    NAME = "amavisd"

    def __init__(self, folder: str, next_port: int, is_decoding: bool):
        super().__init__(folder)
        self.next_port = next_port
        self.is_decoding = is_decoding

    def command_line(self) -> list[str]:
        state = os.path.join(self.folder, "state")
        os.makedirs(state)
        shutil.chown(state, AMAVIS_USER, AMAVIS_USER)
        path = self.write("amavisd.conf", AMAVIS.format(
            user=AMAVIS_USER, state=state, port=self.port, next=self.next_port,
            connections=CONNECTIONS, bypasses=int(not self.is_decoding)))
        return [AMAVISD, "-c", path, "foreground"]

    def answers(self) -> bool:
        return greets(self.port)


class Clamsmtp(Neighbour):
    """In front of a clamd."""

    NAME = "clamsmtpd"

    def __init__(self, folder: str, next_port: int, clamd: Clamd):
        super().__init__(folder)
        self.next_port = next_port
        self.clamd = clamd

    def command_line(self) -> list[str]:
        os.makedirs(self.folder)
        shutil.chown(self.folder, CLAMSMTP_USER)
        path = self.write("clamsmtpd.conf", CLAMSMTP.format(
            next=self.next_port, port=self.port, clamd=self.clamd.socket, folder=self.folder,
            user=CLAMSMTP_USER))
        return [CLAMSMTPD, "-d", "1", "-f", path]

    def answers(self) -> bool:
        return greets(self.port)


def clamd(park: Park) -> Optional[Clamd]:
    """One that scans each message anew (by default it knows again what it has had). Runs as root,
    so that it can read what clamsmtp shows it."""
    if not os.path.exists("/usr/sbin/clamd"):
        return None
    return park.keep(Clamd(park.subfolder("clamd"), DisableCache="yes").start())


def rspamd(park: Park) -> Optional[Rspamd]:
    return park.keep(Rspamd(park.subfolder("rspamd")).start()) \
        if os.path.exists("/usr/bin/rspamd") else None


def target(name: str, neighbour: Neighbour) -> Target:
    return Target(name, neighbour.port, neighbour.process)


def amavis(park: Park, is_decoding: bool) -> Optional[Target]:
    if not os.path.exists(AMAVISD):
        return None
    name = "amavis, decoding MIME" if is_decoding else "amavis, all bypassed"
    return target(name, park.keep(Amavis(park.subfolder(name), park.sink.port,
                                         is_decoding).start()))


def clamsmtp(park: Park, scanner: Optional[Clamd]) -> Optional[Target]:
    if scanner is None or not os.path.exists(CLAMSMTPD):
        return None
    return target("clamsmtp", park.keep(Clamsmtp(park.subfolder("clamsmtp"), park.sink.port,
                                                 scanner).start()))


def press(park: Park, scanners: list[Neighbour], message: Message, connections: int,
          count: int) -> float:
    """Messages a second of scanners alone, asked as Postern asks (tests/bench/press.c): of several,
    each message goes to all of them, and the last one counts."""
    program = os.path.join(park.build, "tests", "bench", "press")
    started = []
    for scanner in scanners:
        where = scanner.socket if isinstance(scanner, Clamd) else str(scanner.port)
        started.append(subprocess.Popen([program, scanner.NAME, where, message.path,
                                         str(connections), str(count)], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
    outputs = [child.communicate(timeout=600)[0] for child in started]
    failed = [scanner.NAME for scanner, child in zip(scanners, started) if child.returncode != 0]
    assert not failed, f"{failed} did not call every message clean"
    return count / max(map(float, outputs))
