#!/usr/bin/env python3
"""Is the C++ in README.md, word for word, the body of files that are compiled?

usage: check_readme.py README.md EXAMPLE.cc...
The first block fenced as cpp is the first example's, the second the second's; the includes and the
statements of each must stand in its example in the same order, one after another, indentation aside.
"""
import re
import sys
from pathlib import Path


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def compare(block, path):
    example = Path(path).read_text(encoding="utf-8")
    wanted, there = lines_of(block), iter(lines_of(example))
    for line in wanted:
        if line not in there:
            sys.exit(f"README: not in {path}, or not in this order: {line}")
    code = [line for line in lines_of(example) if not line.startswith("//")]
    dropped = [line for line in code if line not in wanted]
    if dropped not in ([], ["int main() {", "}"]):
        sys.exit(f"README: leaves out of {path}: {dropped}")


def main():
    readme, examples = Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2:]
    blocks = re.findall(r"```cpp\n(.*?)```", readme, re.DOTALL)
    if len(blocks) != len(examples):
        sys.exit(f"README: {len(blocks)} blocks fenced as cpp, {len(examples)} examples")
    for block, path in zip(blocks, examples):
        compare(block, path)


if __name__ == "__main__":
    main()
