#!/usr/bin/env python3
"""Holds the includes of src/ to the arrows of docs/architecture.md.

usage: check_arrows.py [ROOT]    prints every violation as file:line, exits 1 if there is one
"""
import fnmatch
import re
import sys
from pathlib import Path

# Folder of src/ -> the folders whose headers it may include (its own is always allowed).
FOLDERS = {
    "core": set(),
    "kernels": {"core"},
    "io": {"core"},
    "model": {"kernels", "io", "core"},
    "dist": {"core"},
    "inspect": {"model", "kernels", "io", "core", "dist"},
    "train": {"inspect", "model", "kernels", "io", "core", "dist"},
    "app": {"train", "inspect", "dist", "model", "kernels", "io", "core"},
}

# Library header (a pattern) -> the files of src/ that may include it. The first match counts.
LIBRARIES = {
    "hwy/*": ["kernels/*"],
    "omp.h": ["core/threads*", "kernels/*"],
    "boost/beast/*": ["app/request_framing.cc", "app/http_request.cc", "app/http_response.cc"],
    "CLI/*": ["app/*"],
    "pcre2.h": ["model/*"],
    "unicode/*": ["model/*"],
    "utf8proc.h": ["model/*", "app/terminal.cc"],
    "sentencepiece*": ["model/*"],
    "nlohmann/*": ["io/*", "model/*", "inspect/*", "train/*", "app/*"],
    "fmt/*": ["*"],
    "benchmark/*": ["*_bench.cc"],
    "mpi.h": ["dist/mpi.cc"],
}

# Outside headers that need no entry above: the C++ standard library (no dot), POSIX, intrinsics.
PLATFORM = re.compile(
    r"[a-z0-9_]+|(sys|linux|net|netinet|arpa)/[a-z_]+\.h"
    r"|(cpuid|errno|fcntl|ifaddrs|immintrin|netdb|poll|pthread|sched|signal|stdlib|termios|unistd)\.h"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".cc"}


def allowed(patterns, path):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def library_problem(path, header):
    for pattern, users in LIBRARIES.items():
        if fnmatch.fnmatchcase(header, pattern):
            return None if allowed(users, path) else f"<{header}> belongs to {', '.join(users)}"
    if PLATFORM.fullmatch(header):
        return None
    return f"<{header}> is not in the table LIBRARIES of tools/check_arrows.py"


def folder_problem(path, header):
    here, there = path.split("/")[0], header.split("/")[0]
    if header.endswith("test_support.h"):
        return f'"{header}" is for tests'
    if "/" not in header or there not in FOLDERS:
        return f'"{header}" does not start with a folder of src/'
    if here not in FOLDERS:
        return f"folder {here}/ is not in the table FOLDERS of tools/check_arrows.py"
    if there == here or there in FOLDERS[here]:
        return None
    return f"{here}/ may not include {there}/ (it may: {', '.join(sorted(FOLDERS[here])) or 'nothing'})"


def include_problem(path, header, quoted):
    known = any(fnmatch.fnmatchcase(header, pattern) for pattern in LIBRARIES)
    if quoted and not known:
        return folder_problem(path, header)
    return library_problem(path, header)


def is_exempt(path):
    """Tests and what they share may look anywhere in src/; they are not part of the product."""
    return path.stem.endswith(("_test", "test_support"))


def problems(root):
    src = root / "src"
    for file in sorted(p for p in src.rglob("*") if p.suffix in SOURCES and not is_exempt(p)):
        path = file.relative_to(src).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            problem = include_problem(path, match.group(2), quoted=match.group(1) == '"')
            if problem:
                yield f"src/{path}:{number}: {problem}"


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    if not any((root / "src").rglob("*.cc")):
        print(f"no sources under {root}/src")
        return 1
    found = list(problems(root))
    print("\n".join(found) or "the includes keep to the arrows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
