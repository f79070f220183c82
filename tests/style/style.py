"""What ../../README.md and the folders' READMEs promise of the tree's form, checked.

    python3 tests/style/style.py [ROOT]     prints a line for each fault; 1 if there is one

Each rule is a function from a Tree to its faults. Faults of today's tree that wait for
somebody are in LEFT, each with its reason; one that is gone has to leave the list too.
test_style.py holds each rule against small made trees, good and bad.
"""
import os
import re
import sys
from fnmatch import fnmatch

# Who may include whom: folders of one row know those of the rows above, not each other.
FLOORS = [["proto"], ["common"], ["server", "worker"], ["launch"], ["tests"]]
PROGRAM = ("proto/", "common/", "server/", "worker/", "launch/")

# Each library is known in one place: everybody else goes through it.
HOMES = {
    "argp.h": ["launch/*"],
    "cblas.h": ["worker/engine/gemm/*"],
    "getopt.h": ["launch/*"],
    "gif_lib.h": ["worker/input/gif.c"],
    "fenv.h": ["common/base/float_mode.c"],
    "hdf5.h": ["common/data/h5file_private.h"],
    "immintrin.h": ["common/gemm/*"],
    "nmmintrin.h": ["common/base/crc32c.c"],
    "arm_neon.h": ["common/gemm/*"],
    "jansson.h": ["common/config/json_schema.c", "common/weights/tfjs.c",
                  "common/weights/safetensors.*", "common/weights/onnx_metadata.*",
                  "common/weights/metadata.c",
                  "server/checkpoint/*",
                  "launch/*"],
    "jerror.h": ["worker/input/jpeg.c"],
    "jpeglib.h": ["worker/input/jpeg.c"],
    "libfyaml.h": ["common/config/yaml.c"],
    "malloc.h": ["launch/plan/sim/unwritten.c"],
    "mpi.h": ["common/comm/comm_mpi.h"],
    "netinet/in.h": ["launch/plan/sockets.c"],
    "openssl/evp.h": ["common/base/digest.c"],
    "png.h": ["worker/input/png.c", "launch/evaluate/heat.c"],
    "simgrid/actor.h": ["launch/plan/sim/*"],
    "simgrid/comm.h": ["launch/plan/sim/*"],
    "simgrid/engine.h": ["launch/plan/sim/*"],
    "simgrid/exec.h": ["launch/plan/sim/*"],
    "simgrid/host.h": ["launch/plan/sim/*"],
    "simgrid/mailbox.h": ["launch/plan/sim/*"],
    "smpi/smpi.h": ["launch/plan/sim/*"],
    "sys/socket.h": ["launch/plan/sockets.c"],
    "tiffio.h": ["worker/input/tiff.c"],
    "webp/decode.h": ["worker/input/webp.c"],
    "webp/demux.h": ["worker/input/webp.c"],
    "zip.h": ["common/weights/archive.c"],
    "sys/ioctl.h": ["launch/support/terminal.c"],
    "zlib.h": ["launch/layouts/matlab.c"],
}
# C, POSIX and Linux: free to all. Any other header in <> needs a row above.
SYSTEM = set(
    """ctype dirent dlfcn errno fcntl float fnmatch fts glob inttypes libgen limits math poll pthread sched
    search setjmp signal spawn stdarg stdatomic stdbool stddef stdint stdio stdlib string
    strings sys/file sys/mman sys/prctl sys/random sys/resource sys/stat sys/statvfs
    sys/types sys/utsname sys/wait time unistd""".split()
)

# Arrows of a circle that is meant: (from, to): why.
CIRCLES = {
    ("common/graph/graph", "common/graph/builder"):
        "graph.c holds the table of networks and finishes what a builder has made of its types",
    ("common/weights/pickle", "common/weights/pickle_machine"):
        "the machine keeps its values there; what a value is, its users know from pickle.h",
}

LINES, FUNCTION_LINES, TEST_FUNCTION_LINES, PAGE = 500, 50, 80, 80
HEADINGS = ("module", "file", "folder or file", "part", "layout") # of tables of files
PRIVATE = ("private", "internal", "parts") # headers for one module's own files
SOURCES = (".c", ".h", ".in", ".proto", ".sh", ".py", ".awk", ".css", ".html")

# Where methods live; the one that is the program's own, in the gate and w as well; and
# what may know others: commands about a method.
METHOD_ROOMS = ["common/run", "worker/objective", "server/methods"]
EVERYWHERE = ["pseudo_task"]
USERS_OF_METHODS = ["launch/attention/", "launch/commands/cmd_attention"]

# fault: what it waits for
LEFT = {}


class Tree:
    """The files below a folder, by path from there."""

    def __init__(self, root):
        self.root = root
        self.paths = []
        for top in sorted(os.listdir(root)):
            if top in sum(FLOORS, []) + ["configs"]:
                self._walk(top)
        self._texts = {}

    def _walk(self, top):
        for folder, folders, files in os.walk(os.path.join(self.root, top)):
            base = os.path.relpath(folder, self.root)
            if base == "tests/data":
                folders.clear()
                continue
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            self.paths += [f"{base}/{name}" for name in sorted(files)]

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8") as f:
                self._texts[path] = f.read()
        return self._texts[path]

    def sources(self, *endings):
        return [p for p in self.paths if p.endswith(endings)]

    def program(self, *endings):
        return [p for p in self.sources(*endings) if p.startswith(PROGRAM)]

    def includes(self, path):
        """Headers in quotes."""
        return re.findall(r'^#include "([^"]+)"', self.text(path), re.M)

    def headers(self, path):
        """Headers in angle brackets, wherever an #if has them."""
        return re.findall(r"^\s*#\s*include <([^>]+)>", self.text(path), re.M)


def module(path):
    """A .c and its .h; their private header with them (net_internal.h, conv/internal.h)."""
    name = re.sub(r"\.[ch]$", "", path)
    folder, _, last = name.rpartition("/")
    if last in PRIVATE:
        return f"{folder}/{os.path.basename(folder)}"
    return re.sub(rf"_({'|'.join(PRIVATE)})$", "", name)


def generated(tree, include):
    """Made by the build: schemas, the version, texts that are embedded."""
    return include.endswith((".pb-c.h", ".inc")) or f"{include}.in" in tree.paths


# ---- rules ----------------------------------------------------------------------------


def direction(tree):
    """proto <- common <- server | worker <- launch; paths start at the root."""
    floor = {name: i for i, row in enumerate(FLOORS) for name in row}
    for path in tree.sources(".c", ".h"):
        top = path.split("/")[0]
        for include in tree.includes(path):
            to = include.split("/")[0]
            if generated(tree, include):
                continue
            if include not in tree.paths:
                if not path.startswith("tests/") or "/" in include:
                    yield f"{path}: includes {include}, which is no path from the root"
            elif to != top and floor[to] >= floor[top]:
                yield f"{path}: includes {include}, which is not below it"


def arrows(tree):
    """Which modules each module includes."""
    knows = {}
    for path in tree.program(".c", ".h"):
        known = knows.setdefault(module(path), set())
        known |= {module(i) for i in tree.includes(path) if i in tree.paths}
    return {a: to - {a} for a, to in knows.items()}


def circles(tree, allowed):
    """No module reaches itself, but where CIRCLES says why."""
    knows = arrows(tree)
    for a, b in allowed:
        if b not in knows.get(a, ()) or a not in reached(knows, b):
            yield f"{a} -> {b}: allowed as part of a circle, and there is none"
    knows = {a: {b for b in to if (a, b) not in allowed} for a, to in knows.items()}
    for ring in rings(knows):
        yield "circle: " + " ".join(ring)


def reached(knows, start):
    found, todo = set(), list(knows.get(start, ()))
    while todo:
        a = todo.pop()
        if a not in found:
            found.add(a)
            todo += knows.get(a, ())
    return found


def rings(knows):
    """Sets of modules that all reach each other."""
    reach = {a: reached(knows, a) for a in knows}
    seen = set()
    for a in sorted(knows):
        if a in seen or a not in reach[a]:
            continue
        ring = sorted(b for b in reach[a] if a in reach.get(b, ()))
        seen |= set(ring)
        yield ring


def homes(tree):
    """A library's header is included where HOMES says, and nowhere else."""
    for path in tree.program(".c", ".h"):
        for header in tree.headers(path):
            if header.removesuffix(".h") in SYSTEM:
                continue
            if header not in HOMES:
                yield f"{path}: <{header}> has no home"
            elif not any(fnmatch(path, home) for home in HOMES[header]):
                yield f"{path}: <{header}> has its home elsewhere"


def readmes(tree):
    """Each folder has a README of a page; its table names the folder's files, and no others."""
    folders = {}
    for path in tree.program(*SOURCES):
        folders.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
    for folder, names in sorted(folders.items()):
        readme = f"{folder}/README.md"
        if readme not in tree.paths:
            yield f"{readme}: is missing"
            continue
        text = tree.text(readme)
        if text.count("\n") > PAGE:
            yield f"{readme}: has more than {PAGE} lines"
        rows = named(text)
        for name in sorted(names):
            if not any(means(row, name) for row in rows):
                yield f"{readme}: does not name {stem(name)}"
        below = [p[len(folder) + 1 :] for p in tree.paths if p.startswith(folder + "/")]
        for row in rows:
            if not any(means(row, p) or p.startswith(row.rstrip("/") + "/") for p in below):
                yield f"{readme}: names {row}, which is not there"


def named(text):
    """The first cells of tables whose heading is one of HEADINGS."""
    names, heading = [], None
    for line in text.splitlines():
        first = line.strip("|").split("|")[0].strip()
        if not line.startswith("|"):
            heading = None
        elif heading is None:
            heading = first
        elif heading in HEADINGS and not first.startswith("-"):
            names += re.findall(r"[\w./*-]+", first)
    return names


def stem(name):
    return re.sub(r"\.[ch]$", "", name)


def means(row, name):
    """`clock` is clock.c and clock.h; `gemm_*` is a family."""
    return row.strip("*") != "" and (fnmatch(name, row) or fnmatch(stem(name), stem(row)))


def sizes(tree):
    """Files have at most 500 lines, functions 50 (in tests 80)."""
    for path in tree.sources(*SOURCES):
        if tree.text(path).count("\n") > LINES:
            yield f"{path}: has more than {LINES} lines"
    for path in tree.sources(".c"):
        most = TEST_FUNCTION_LINES if path.startswith("tests/") else FUNCTION_LINES
        for name, lines in functions(tree.text(path)):
            if lines > most:
                yield f"{path}: {name} has more than {most} lines"


def functions(text):
    """Name and lines of the body of each."""
    name = start = None
    for at, line in enumerate(text.splitlines()):
        if m := re.match(r"\w[\w *]*?\b(\w+)\(", line):
            name = m.group(1)
        elif line == "{":
            start = at
        elif line == "}" and start is not None:
            yield name, at - start - 1
            start = None


def rulers(tree):
    """A ruler (four dashes and a title) is one line of 89 or 90 columns."""
    for path in tree.sources(".c", ".h"):
        for line in re.findall(r"^/\* ---- .*$", tree.text(path), re.M):
            if not re.search(r" -+ \*/$", line) or not 89 <= len(line) <= 90:
                yield f"{path}: the ruler '{line[8:].strip(' -*/')}' is broken"


def sorted_includes(tree):
    """Our own headers in a block stand in the order of their paths."""
    for path in tree.sources(".c", ".h"):
        for block in re.findall(r'(?:^#include "[^"]+"\n)+', tree.text(path), re.M):
            lines = block.splitlines()
            if lines != sorted(lines):
                wrong = next(b for a, b in zip(lines, lines[1:]) if b < a)
                yield f"{path}: {wrong} is out of order"


def unused(tree):
    """Parameters that a signature wants and a body does not are left alone: nothing warns."""
    for path in tree.sources(".c", ".h"):
        if m := re.search(r"^\s+\(void\)(\w+)[;,]", tree.text(path), re.M):
            yield f"{path}: hushes {m.group(1)}, of which nothing warns"


def listed(tree):
    """CMake is told every source by its name."""
    lists = [p for p in tree.paths if p.endswith("CMakeLists.txt")]
    everywhere = "".join(tree.text(p) for p in lists)
    for path in lists:
        if re.search(r"\bfile\s*\(\s*GLOB", tree.text(path), re.I):
            yield f"{path}: globs"
    for path in tree.sources(".c"):
        folder, name = os.path.split(path)
        if path.startswith("tests/"): # they share files of support/; fuzz/ has a target a file
            found = says(everywhere, name) or f"fuzz_target({stem(name)}" in everywhere
        else:
            above = [p for p in lists if f"{folder}/".startswith(os.path.dirname(p) + "/")]
            found = any(says(tree.text(p), os.path.relpath(path, os.path.dirname(p))) for p in above)
        if not found:
            yield f"{path}: is in no CMakeLists.txt"


def says(text, name):
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text)


def mutations(tree):
    """Each change of mutations*.sh is of a line that is there once, for a test that is."""
    lists = "".join(tree.text(p) for p in tree.paths if p.endswith("CMakeLists.txt"))
    lists = re.sub(r"pt_e2e\((\w+)", r"NAME e2e.\1", lists)
    changes = [(path, change) for path in tree.paths
               if re.fullmatch(r"tests/mutations\w*[.]sh", path)
               for change in re.findall(r"^mutation (\S+) (\S+) (\S+) <<'M'\n- (.*)$",
                                        tree.text(path), re.M)]
    for path, (name, test, file, line) in changes:
        if file not in tree.paths:
            yield f"{path}: {name}: there is no {file}"
            continue
        lines = [text.strip(" \t") for text in tree.text(file).splitlines()]
        if (n := lines.count(line)) != 1:
            yield f"{path}: {name}: its line is in {file} {n} times, not once"
        if not re.search(rf"NAME {re.escape(re.sub(r'[.]np[0-9]$', '', test))}\s", lists):
            yield f"{path}: {name}: there is no test {test}"


def methods(tree):
    """A method has the files that its line of the table says, and nobody else knows it."""
    table = "common/config/methods.h"
    lines = re.findall(r"\bX\((\w+), (\w+), (YES|NO), (YES|NO), (YES|NO),",
                       tree.text(table) if table in tree.paths else "")
    for upper, name, *sides in lines:
        for room, side in zip(METHOD_ROOMS, sides):
            if (f"{room}/{name}.c" in tree.paths) != (side == "YES"):
                yield f"{table}: {name} says {side} to {room}/{name}.c"
    shy = [(upper, name) for upper, name, *_ in lines if name not in EVERYWHERE]
    for path in tree.program(".c", ".h"):
        if module(path) == module(table) or path.startswith(tuple(USERS_OF_METHODS)):
            continue
        own = stem(os.path.basename(path)) if os.path.dirname(path) in METHOD_ROOMS else ""
        for upper, name in shy:
            knows = rf"\bPT_METHOD_{upper}\b|\bpt_{name}_|->{name}\b|[/.]{name}[.\"]"
            if name != own and re.search(knows, tree.text(path)):
                yield f"{path}: knows the method {name}"


RULES = [direction, sorted_includes, homes, readmes, sizes, rulers, unused, listed, mutations,
         methods]


def faults(tree, left=LEFT, allowed=CIRCLES):
    """All that the rules find and LEFT does not name; what LEFT names and no rule finds."""
    found = [fault for rule in RULES for fault in rule(tree)] + list(circles(tree, allowed))
    found = sorted(set(found))
    return [f for f in found if f not in left] + [
        f"style.py: '{f}' is no longer so; take it out of LEFT" for f in left if f not in found]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../..")
    tree = Tree(root)
    found = faults(tree)
    for fault in found:
        print(fault)
    print(f"{len(tree.paths)} files, {len(found)} faults, {len(LEFT)} left for later")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
