#!/usr/bin/env python3
"""Checks the house rules that cargo's metadata can tell.

A crate may depend on those above it in the table of ARCHITECTURE.md, never on those below. The pure
crates pull in no async runtime, no client and no server. Every dependency comes from the registry,
under a licence that goes with Apache-2.0.
"""

import json
import subprocess
import sys

ORDER = [
    "api", "expr", "engine", "sim", "store", "artifacts", "executor",
    "runtime", "local", "kubernetes", "server", "cli",
]
PURE = {"api", "expr", "engine", "sim"}
IMPURE = {"tokio", "async-std", "smol", "hyper", "reqwest", "axum", "tonic", "kube", "rusqlite", "sqlx", "ureq", "mio"}
LICENCES = {
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unicode-3.0", "0BSD",
    "CC0-1.0", "MIT-0", "Unlicense", "BSL-1.0", "CDLA-Permissive-2.0", "bzip2-1.0.6",
    "Apache-2.0 WITH LLVM-exception",
}


def allowed(expression):
    """Whether some alternative of a licence expression is allowed as a whole."""
    text = expression.replace("/", " OR ").replace("(", "").replace(")", "")
    return any(
        all(part.strip() in LICENCES for part in alternative.split(" AND "))
        for alternative in text.split(" OR ")
    ) or all(
        any(choice.strip() in LICENCES for choice in part.split(" OR "))
        for part in text.split(" AND ")
    )


def main():
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1"],
        check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    faults = []
    for identifier in metadata["workspace_members"]:
        package = packages[identifier]
        name = package["name"].removeprefix("argosy-")
        if name not in ORDER:
            faults.append(f"crate {name} is not in the order of the house")
            continue
        for dependency in package["dependencies"]:
            other = dependency["name"].removeprefix("argosy-")
            if dependency["name"].startswith("argosy-") and other in ORDER \
                    and dependency["kind"] != "dev" and ORDER.index(other) >= ORDER.index(name):
                faults.append(f"{name} must not depend on {other}, which stands below it")
        if name in PURE:
            faults += [f"the pure crate {name} pulls in {found}" for found in pulled_in(identifier, nodes, packages)]
    for package in packages.values():
        if package["source"] is None:
            continue
        if not package["source"].startswith("registry+"):
            faults.append(f"{package['name']} does not come from the registry")
        if not allowed(package.get("license") or ""):
            faults.append(f"{package['name']} has the licence {package.get('license')!r}")
    for fault in sorted(set(faults)):
        print(fault)
    return 1 if faults else 0


def pulled_in(start, nodes, packages):
    """What a package needs, normal dependencies only, that a pure crate must not."""
    seen, queue, found = {start}, [start], set()
    while queue:
        for dependency in nodes[queue.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if not normal or dependency["pkg"] in seen:
                continue
            seen.add(dependency["pkg"])
            queue.append(dependency["pkg"])
            name = packages[dependency["pkg"]]["name"]
            if name in IMPURE:
                found.add(name)
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
