#!/usr/bin/env python3
"""Is the C++ in README.md, word for word, the body of a file that is compiled?

usage: check_readme.py README.md EXAMPLE.cc
The block is the first one fenced as cpp; its includes and its statements must stand in the example
in the same order, one after another, indentation aside.
"""
import re
import sys
from pathlib import Path


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def main():
    readme, example = (Path(p).read_text(encoding="utf-8") for p in sys.argv[1:3])
    block = re.search(r"```cpp\n(.*?)```", readme, re.DOTALL)
    if not block:
        sys.exit("README: no block fenced as cpp")
    wanted, there = lines_of(block.group(1)), iter(lines_of(example))
    for line in wanted:
        if line not in there:
            sys.exit(f"README: not in {sys.argv[2]}, or not in this order: {line}")
    code = [line for line in lines_of(example) if not line.startswith("//")]
    dropped = [line for line in code if line not in wanted]
    if dropped not in ([], ["int main() {", "}"]):
        sys.exit(f"README: leaves out of {sys.argv[2]}: {dropped}")


if __name__ == "__main__":
    main()
