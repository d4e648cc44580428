#!/usr/bin/env python3
"""Checks the house rules that can be read off the files.

What the documents name as a path is there. A key of Argo's labels and annotations is spelt in one place.
No file of code is longer than 1,000 lines.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_LINES = 1_000
LABELS = "crates/api/src/labels.rs"
LABEL = re.compile(r'"(?:workflows\.argoproj\.io|kubectl\.kubernetes\.io)/[\w.-]+"')
PATH = re.compile(r"`([\w.{},*-]+/[\w./{},*-]*)`")


def main():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    files = files.stdout.splitlines()
    faults = []
    for name in files:
        if not (ROOT / name).is_file():
            continue
        if name.endswith(".md") and not name.startswith("crates/"):
            faults += missing_paths(name, files)
        if name.endswith(".rs"):
            faults += code_faults(name)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def missing_paths(name, files):
    """What a document names as a path of this repository, and is not there."""
    folders = {file.split("/")[0] for file in files if "/" in file}
    crates = {file.split("/")[1] for file in files if file.startswith("crates/")}
    for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
        for path in PATH.findall(line):
            first = path.split("/")[0]
            base = ROOT / "crates" if first in crates else ROOT
            if first not in folders | crates or "NAME" in path:
                continue
            for each in alternatives(path.rstrip("/")):
                if not any(base.glob(each)):
                    yield f"{name}:{number}: there is no {each}"


def alternatives(path):
    """The paths that `a/{b,c}` stands for."""
    braces = re.search(r"\{([^{}]*)\}", path)
    if not braces:
        return [path]
    before, after = path[:braces.start()], path[braces.end():]
    return [each for part in braces[1].split(",") for each in alternatives(before + part + after)]


def code_faults(name):
    """Files that are too long, and keys of labels that are spelt again in shipped code."""
    lines = (ROOT / name).read_text().splitlines()
    if len(lines) > MOST_LINES:
        yield f"{name}: {len(lines)} lines, more than {MOST_LINES}"
    if "/src/" not in name or name == LABELS:
        return
    for number, line in enumerate(lines, 1):
        if line.strip() == "#[cfg(test)]":
            return
        if LABEL.search(line) and not line.lstrip().startswith("//"):
            yield f"{name}:{number}: this key stands in {LABELS}"


if __name__ == "__main__":
    sys.exit(main())
