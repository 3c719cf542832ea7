#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""check.py ROOT [RULE...] - the rules of the house; prints what breaks them, exit 1 if anything.

test_check.py plants a violation of each rule and sees it found.
"""

import concurrent.futures
import fnmatch
import os
import re
import subprocess
import sys
from typing import Callable, Iterator

# Data flows right, includes point left. A room may include itself and what stands in its row.
LINE = ["base", "smtp", "spool", "mime", "filters", "policy", "reinject", "track", "control", "src"]
ALLOWED = {room: set(LINE[:LINE.index(room) + 1]) for room in LINE}
ALLOWED["tool"] = set(LINE) - {"src"} | {"tool"}
ALLOWED["man"] = ALLOWED["tool"] | {"man"}

STANDARD = set("""
    assert ctype errno inttypes limits locale math signal stdarg stdatomic stdbool stddef stdint stdio
    stdlib string time aio dirent dlfcn fcntl glob fnmatch grp iconv langinfo libgen netdb poll
    pthread pwd regex sched semaphore spawn strings syslog unistd wchar
    getopt endian byteswap fts ftw err
    """.split())
STANDARD_FOLDERS = ("sys/", "netinet/", "arpa/", "net/", "linux/")

LINES_MAX = 500
FUNCTION_LINES_MAX = 60
REPEATED_NAMES = {"main", "settings"}  # each program's entry, each room's own rows
TEXT_ENDINGS = (".c", ".h", ".py", ".sh", ".cmake", ".conf", ".md", ".txt", ".in", ".service")
SPDX = "SPDX-License-Identifier: BSD-2-Clause"

Violations = Iterator[str]


class Tree:
    def __init__(self, root: str):
        self.root = root
        self.files = sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders
                          if name not in (".git", "__pycache__") and not name.startswith("build")]
            for name in files:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def read(self, path: str) -> str:
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def lines(self, path: str) -> list[str]:
        return self.read(path).split("\n")[:-1]

    def table(self, path: str) -> list[list[str]]:
        """Words of each line that is not a comment."""
        return [line.split() for line in self.lines(path) if line.strip() and line[0] != "#"]

    def sources(self, *endings: str) -> list[str]:
        """C files of the rooms."""
        return [path for path in self.files
                if room_of(path) in ALLOWED and path.endswith(endings or (".c", ".h"))]

    def c_files(self) -> list[str]:
        return [path for path in self.files if path.endswith((".c", ".h"))]

    def includes(self, path: str) -> Iterator[tuple[int, str, str]]:
        """Line number, '<' or '"', and the name."""
        for number, line in enumerate(self.lines(path), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if found:
                yield number, found.group(1), found.group(2)


def room_of(path: str) -> str:
    return path.split("/")[0] if "/" in path else ""


def includes_point_left(tree: Tree) -> Violations:
    for path in tree.sources():
        for number, kind, name in tree.includes(path):
            if kind == '"' and room_of(name) not in ALLOWED[room_of(path)]:
                yield f'{path}:{number}: may not include "{name}"'


def is_standard(name: str) -> bool:
    return name.startswith(STANDARD_FOLDERS) or name.removesuffix(".h") in STANDARD


def doors_as_listed(tree: Tree) -> Violations:
    """Of several patterns the longest holds: event2/http.h is not for those who have event2/*."""
    doors = {words[0]: words[1:] for words in tree.table("tests/rules/doors")}
    for pattern, files in doors.items():
        if len(files) > 3 or len({room_of(path) for path in files}) > 1:
            yield f"tests/rules/doors: {pattern}: more than three files, or in several rooms"
    for path in tree.c_files():
        if path.startswith("tests/fuzz/"):
            continue
        for number, kind, name in tree.includes(path):
            if kind == '"' or is_standard(name):
                continue
            matching = [pattern for pattern in doors if fnmatch.fnmatch(name, pattern)]
            open_to = doors[max(matching, key=len)] if matching else []
            if path not in open_to:
                yield f"{path}:{number}: <{name}> may only be included in " \
                      f"{' '.join(open_to) or 'a file listed in tests/rules/doors'}"


def headers_hide_libraries(tree: Tree) -> Violations:
    for path in tree.sources(".h"):
        for number, kind, name in tree.includes(path):
            if kind == "<" and not is_standard(name):
                yield f"{path}:{number}: a header of ours includes <{name}>"


def sources_have_tests(tree: Tree) -> Violations:
    excused = {}
    for words in tree.table("tests/rules/untested"):
        excused[words[0]] = words[1:]
        if len(words) < 4:
            yield f"tests/rules/untested: {words[0]} gives no reason"
        if words[0] not in tree.files:
            yield f"tests/rules/untested: {words[0]} does not exist"
    for path in tree.sources(".c"):
        room, name = os.path.split(path)
        test = f"tests/unit/{room}/test_{name}"
        if test in tree.files:
            lists = tree.read(f"tests/unit/{room}/CMakeLists.txt")
            if not re.search(rf"\b{re.escape(name.removesuffix('.c'))}\b", lists):
                yield f"{test}: not run by tests/unit/{room}/CMakeLists.txt"
            if path in excused:
                yield f"tests/rules/untested: {path} has a test"
        elif path not in excused:
            yield f"{path}: no {test}, and not in tests/rules/untested"


def licence_comes_first(tree: Tree) -> Violations:
    for path in tree.files:
        lines = tree.lines(path)[:2]
        is_code = path.endswith((".c", ".h", ".py", ".sh", ".cmake")) or \
            os.path.basename(path) == "CMakeLists.txt" or lines and lines[0].startswith("#!")
        if not is_code:
            continue
        first = lines[1:] if lines and lines[0].startswith("#!") else lines[:1]
        if not first or not re.fullmatch(rf"(//|#) {re.escape(SPDX)}", first[0]):
            yield f"{path}: does not begin with {SPDX}"


def names_are_unique(tree: Tree) -> Violations:
    seen: dict[str, str] = {}
    for path in tree.sources(".c"):
        name = os.path.basename(path).removesuffix(".c")
        if name in seen and name not in REPEATED_NAMES:
            yield f"{path}: {seen[name]} has that name already"
        seen.setdefault(name, path)


def words_belong_here(tree: Tree) -> Violations:
    """tests/rules/words: a regular expression a line, and where it may stand all the same."""
    for line in tree.lines("tests/rules/words"):
        if not line.strip() or line.startswith("#"):
            continue
        pattern, _, places = line.partition("\t")
        wanted = re.compile(pattern.strip(), re.IGNORECASE)
        for path in tree.files:
            if path == "tests/rules/words" or path.startswith(tuple(places.split())) and places:
                continue
            for number, text in enumerate(tree.lines(path), 1):
                if wanted.search(text):
                    yield f"{path}:{number}: {pattern.strip()} does not belong in the project"


def files_are_short(tree: Tree) -> Violations:
    for path in tree.files:
        if path.endswith((".c", ".h", ".py")) and len(tree.lines(path)) > LINES_MAX:
            yield f"{path}: {len(tree.lines(path))} lines, {LINES_MAX} are allowed"


def functions_are_short(tree: Tree) -> Violations:
    for path in tree.sources(".c"):
        begin = 0
        for number, line in enumerate(tree.lines(path), 1):
            if line == "{":
                begin = number
            elif line == "}" and begin:
                if number - begin - 1 > FUNCTION_LINES_MAX:
                    yield f"{path}:{begin}: a function of {number - begin - 1} lines, " \
                          f"{FUNCTION_LINES_MAX} are allowed"
                begin = 0


def no_static_prototypes(tree: Tree) -> Violations:
    for path in tree.sources(".c"):
        text = tree.read(path)
        for found in re.finditer(r"^static [^=;{}]*?\)(?: *__attribute__[^;{]*)?;", text, re.MULTILINE):
            number = text.count("\n", 0, found.start()) + 1
            yield f"{path}:{number}: a prototype of a static; let callees stand above callers"


def asserts_stay(tree: Tree) -> Violations:
    for path in tree.files:
        if path.endswith((".c", ".h", ".txt", ".cmake")) and not path.startswith("tests/"):
            for number, line in enumerate(tree.lines(path), 1):
                if re.search(r"-DNDEBUG|define\s+NDEBUG", line) and "REPLACE" not in line:
                    yield f"{path}:{number}: NDEBUG would compile assert() out"


def skips_are_listed(tree: Tree) -> Violations:
    """Tests skip by skip_if() of tests/system/case.py, which knows tests/skips; nowhere else."""
    marks = re.compile(r"skipTest|SkipTest|unittest\.skip|SKIP_RETURN_CODE|DISABLED\s+(TRUE|ON)"
                       r"|CU_set_test_active")
    for path in tree.files:
        if not path.startswith("tests/") or path.startswith("tests/rules/") \
                or path in ("tests/system/case.py", "tests/crash/CMakeLists.txt"):
            continue
        if not path.endswith((".py", ".c", ".h", ".txt", ".cmake")):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            if marks.search(line):
                yield f"{path}:{number}: skips without standing in tests/skips"
    known = [words[0] for words in tree.table("tests/skips")]
    used = {name for path in tree.files if path.startswith(("tests/system/", "tests/crash/"))
            for name in re.findall(r'skip_if\("([^"]+)"', tree.read(path))}
    for name in sorted(used - set(known)):
        yield f"tests/skips: {name} is missing"
    for name in sorted(set(known) - used):
        yield f"tests/skips: {name} is used by no test"


def format_is_clean(tree: Tree) -> Violations:
    """A process a file: clang-format 14, given many, now and then dies of one that is clean alone."""
    def look(path: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["clang-format-14", "--dry-run", "-Werror", path], cwd=tree.root,
                              capture_output=True, text=True, check=False)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, done in zip(tree.c_files(), pool.map(look, tree.c_files())):
            if done.returncode != 0:
                yield f"{path}: clang-format-14 would change it"


RULES: dict[str, Callable[[Tree], Violations]] = {
    rule.__name__: rule for rule in (
        includes_point_left, doors_as_listed, headers_hide_libraries, sources_have_tests,
        licence_comes_first, names_are_unique, words_belong_here, files_are_short,
        functions_are_short, no_static_prototypes, asserts_stay, skips_are_listed,
        format_is_clean)
}


def main() -> int:
    tree = Tree(sys.argv[1])
    count = 0
    for name in sys.argv[2:] or RULES:
        for violation in RULES[name](tree):
            print(f"{name}: {violation}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
