#!/usr/bin/python3
"""What the pages say of the tree is there: files and headings that links name, tests that verify.md
names, words of error lines that troubleshooting.md quotes, the keys of configuration.md; and
README.md is a page.

usage: pages.py SOURCE BUILD PTRAIN
"""
import glob
import os
import re
import subprocess
import sys

source, build, ptrain = sys.argv[1:4]
os.chdir(source)
faults = []


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def anchors(text):
    """GitHub's names of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", text), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


pages = glob.glob("*.md") + glob.glob("launch/docs/*.md") + glob.glob(".github/*.md")
for page in pages:
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(path):
            faults.append(f"{page}: {link}: there is no such file")
        elif anchor and anchor not in anchors(read(path)):
            faults.append(f"{page}: {link}: there is no such heading")

listed = subprocess.check_output(["ctest", "--test-dir", build, "-N"], text=True)
tests = set(re.findall(r"Test +#\d+: (\S+)", listed))
rows = [r.split("|") for r in read("launch/docs/verify.md").splitlines() if r.startswith("| ")][1:]
named = {t.strip() for r in rows for t in r[2].split(",")}
faults += [f"launch/docs/verify.md: there is no test {t}" for t in sorted(named - tests)]

# A message may be cut by %s, and by the end of a line of C.
code = "".join(read(f) for d in ("common", "server", "worker", "launch")
               for f in glob.glob(d + "/**/*.c", recursive=True))
code = re.sub(r'"\s*"', "", code)
code = re.sub(r"%[-.*#0-9l]*[a-z]", " ", code)
for row in read("launch/docs/troubleshooting.md").splitlines():
    cell = row.split("|")[1] if row.startswith("| `") else ""
    for words in re.findall(r"`([^`]+)`", cell):
        part = max(re.split(r"\d+|\.\.\.", words), key=len)
        if part.strip() not in code:
            faults.append(f"launch/docs/troubleshooting.md: no message has `{words}`")

keys = subprocess.check_output([ptrain, "config", "schema", "--markdown"], text=True)
if keys != read("launch/docs/configuration.md"):
    faults.append("launch/docs/configuration.md: is not what `ptrain config schema --markdown` prints")

lines = read("README.md").count("\n")
if lines > 120:
    faults.append(f"README.md has {lines} lines, 120 are a page")
print(len(pages), "pages,", len(named), "tests named")
sys.exit("\n".join(faults) if faults else len(pages) < 10 or len(named) < 30)
