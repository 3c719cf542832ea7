# SPDX-License-Identifier: BSD-2-Clause
"""To what stage of a message's way a function of ours belongs, by the file that it is in."""

import fnmatch
from collections import defaultdict

from callgraph import Function, Profile

# The first that fits. What base/ and libraries do is counted for who had it done, but for the log
# and digests: of SHA-256 valgrind knows no processor's own instructions, and counts too high.
STAGES = (
    ("receive", ("smtp/*", "src/worker/intake.c")),
    ("seen before?", ("src/worker/join.c", "spool/remember.c", "spool/recall.c")),
    ("digests", ("base/digest.c",)),
    ("log", ("base/log*.c", "base/sink.c")),
    ("seal", ("spool/commit.c", "spool/file.c", "spool/format*.c", "spool/place*.c",
              "spool/slots.c", "spool/space.c", "spool/store.c", "spool/syncer.c",
              "spool/writ*.c")),
    ("journal, leave", ("spool/*",)),
    ("look: structure", ("mime/reading/collect.c", "mime/reading/cut.c", "mime/reading/entity.c",
                         "mime/reading/outline.c", "mime/reading/parameter.c",
                         "mime/reading/prescan.c", "mime/reading/walk*.c")),
    ("look: decode", ("mime/reading/charset.c", "mime/reading/decode*.c", "mime/reading/inline.c",
                      "mime/reading/words*.c")),
    ("look: links", ("mime/reading/links*.c",)),
    ("look: types", ("mime/reading/archive*.c", "mime/reading/magic.c", "mime/reading/textual.c")),
    ("look: else", ("mime/reading/*",)),
    ("look", ("mime/*", "src/job/job_look.c")),
    ("decide", ("policy/*", "filters/*", "src/job/job_verdict.c")),
    ("send", ("reinject/*", "src/job/job_send.c", "src/job/job_body.c", "src/job/routes.c")),
    ("tell", ("track/*", "src/job/job_tell.c", "src/job/outcome.c", "src/job/summary.c",
              "src/job/teller.c")),
    ("all else", ("*",)))
NAMES = tuple(name for name, _ in STAGES)
NO_HANDS = ("base/digest.c", "base/log*.c", "base/sink.c")


def serves(function: Function) -> bool:
    """Whether it works for others: who called it had it done."""
    path = function[0]
    if path.startswith("base/"):
        return not any(fnmatch.fnmatch(path, pattern) for pattern in NO_HANDS)
    return "/" not in path


def stage_of(path: str) -> str:
    return next(name for name, patterns in STAGES
                if any(fnmatch.fnmatch(path, pattern) for pattern in patterns))


def by_stage(profile: Profile) -> dict[str, float]:
    """Instructions."""
    found: dict[str, float] = defaultdict(float)
    for (path, _), cost in profile.by_owner(serves).items():
        found[stage_of(path)] += cost
    return found


def functions(profile: Profile, stage: str = "") -> list[tuple[Function, float]]:
    """Of one stage or of all, the most expensive first."""
    found = [(function, cost) for function, cost in profile.by_owner(serves).items()
             if stage in ("", stage_of(function[0]))]
    return sorted(found, key=lambda pair: -pair[1])
