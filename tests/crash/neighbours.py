# SPDX-License-Identifier: BSD-2-Clause
"""Every neighbour misbehaves in every way. All are walked side by side, each by a Postern of its
own.

A milter joins this list when there is one.
"""

import argparse
import concurrent.futures
import os
import shutil
import tempfile
import time
from typing import Optional

import table
from ward import Result, Ward
from ward_front import FrontLmtp, FrontWard
from ward_hop import Lmtp, OldSmtp, PipelinedSmtp, Smtp
from ward_scanner import ClamdTcp, ClamdUnix, RspamdTcp
from ward_told import DnsWard, RedisWard, SyslogWard

WARDS: tuple[type[Ward], ...] = (
    Smtp, PipelinedSmtp, OldSmtp, Lmtp, FrontWard, FrontLmtp, ClamdTcp, ClamdUnix, RspamdTcp,
    RedisWard, DnsWard, SyslogWard)


def walk(kind: type[Ward], folder: str, share: Optional[float]) -> Result:
    ward = kind(folder)
    cells = ward.cells() if share is None else list(table.shared(ward.cells(), 3600))
    ward.run(cells, None if share is None else time.monotonic() + share)
    return ward.result


def run(options: argparse.Namespace) -> table.Table:
    said = table.Table("neighbours", ("neighbour", "misbehaviours", "lost", "believed", "late",
                                      "descriptors left"),
                       ("lost", "believed", "late", "descriptors left"))
    folder = tempfile.mkdtemp(prefix="postern-neighbours-")
    os.chmod(folder, 0o755)
    with concurrent.futures.ThreadPoolExecutor(len(WARDS)) as pool:
        results = list(pool.map(lambda kind: walk(kind, folder, options.share), WARDS))
    for kind, one in zip(WARDS, results):
        said.add(kind.name, one.walked, len(one.lost), len(one.believed), len(one.late),
                 len(one.leaked))
        said.notes += [f"{kind.name}: {trouble}" for trouble in one.troubles()]
    if said.is_good():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        said.notes.append(f"Everything is in {folder}.")
    return said
