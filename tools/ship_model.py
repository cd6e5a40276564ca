#!/usr/bin/env python3
"""Makes a trained micro-world model the one that the program comes with.

usage: ship_model.py TRAINED [--first FIRST] [--binary build/release/headlight] [--sentences N] [--threads N]
TRAINED is what `headlight train --preset lumen-partners --start FIRST --out TRAINED` left, and FIRST what `headlight
train --preset lumen --out FIRST` left; without FIRST, what models/lumen says of the first part stays. The weights, the
tokenizer and the record of both parts are copied to models/lumen; `headlight relations` measures its abilities; the
tables of models/lumen/README.md are filled in.
Nothing of models/lumen changes before everything is measured. Build again afterwards: the program embeds the files.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "models" / "lumen"
COPIED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
FIRST_STEPS = 4000  # of the preset lumen
MOST_BYTES = 8 << 20
MOST_EMERGENCE_BYTES = 3 << 20


def duration(seconds):
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def run_facts(trained):
    """What the run's own files say of it, as rows of a table."""
    settings = json.loads((trained / "settings.json").read_text(encoding="utf-8"))
    lines = (trained / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    last = steps[-1]
    if last["step"] != settings["steps"]:
        sys.exit(f"ship_model: {trained} stopped at step {last['step']} of {settings['steps']}")
    # `seconds` starts anew when a run is resumed.
    seconds = sum(b["seconds"] for b, a in zip(steps, steps[1:] + [{"seconds": 0}]) if a["seconds"] < b["seconds"])
    tail = steps[-200:]
    loss = sum(step["loss"] for step in tail) / len(tail)
    facts = [
        ("steps", settings["steps"]),
        ("sentences in a step", settings["sequences"]),
        ("seed", settings["seed"]),
        ("learning rate", f"{settings['learning_rate']}, {settings['warmup']} steps of warm-up, then a cosine"),
        ("price on the overlap of heads", settings["head_overlap"]),
        ("tokens read", f"{sum(step['tokens'] for step in steps) / 1e6:.1f} million"),
        ("time", f"{duration(seconds)}, {sum(s['tokens'] for s in steps) / seconds / 1e3:.1f} thousand tokens a second"),
        ("loss, mean of the last 200 steps", f"{loss:.4f} nats for each asked word"),
    ]
    return "| training | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in facts)


def join_records(first, last, to):
    """The snapshots of both parts, their steps counted from the first part's beginning."""
    lines = [line for line in first.read_text(encoding="utf-8").splitlines() if json.loads(line)["step"] <= FIRST_STEPS]
    for line in last.read_text(encoding="utf-8").splitlines():
        snapshot = json.loads(line)
        snapshot["step"] += FIRST_STEPS
        lines.append(json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")))
    to.write_text("\n".join(lines) + "\n", encoding="utf-8")


def filled(card, name, text):
    """The card with the part between <!-- name --> and <!-- end of name --> replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(card):
        sys.exit(f"ship_model: the card has no place for {name}")
    return pattern.sub(lambda match: match.group(1) + "\n" + text.strip() + "\n\n" + match.group(2), card)


def measure(options, folder):
    """Writes abilities.json into the folder; the tables as Markdown."""
    command = [str(options.binary), "relations", "--model", str(folder), "--out", str(folder / "abilities.json"),
               "--sentences", str(options.sentences), "--markdown"]
    if options.threads:
        command += ["--threads", str(options.threads)]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def check_sizes(folder):
    total = sum(path.stat().st_size for path in folder.iterdir())
    record = (folder / "emergence.jsonl").stat().st_size
    if total > MOST_BYTES or record > MOST_EMERGENCE_BYTES:
        sys.exit(f"ship_model: {total} bytes ({record} of emergence.jsonl) are more than the repository takes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path)
    parser.add_argument("--first", type=Path)
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/headlight")
    parser.add_argument("--sentences", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "lumen"
        made.mkdir()
        for name in COPIED:
            shutil.copyfile(options.trained / name, made / name)
        card = (FOLDER / "README.md").read_text(encoding="utf-8")
        join_records((options.first or FOLDER) / "emergence.jsonl", options.trained / "emergence.jsonl",
                     made / "emergence.jsonl")
        if options.first:
            card = filled(card, "first part", run_facts(options.first))
        card = filled(card, "last part", run_facts(options.trained))
        card = filled(card, "abilities", measure(options, made))
        (made / "README.md").write_text(card, encoding="utf-8")
        check_sizes(made)
        for path in made.iterdir():
            shutil.copyfile(path, FOLDER / path.name)
    print(f"{FOLDER}: {sum(path.stat().st_size for path in FOLDER.iterdir()) / 1e6:.2f} MB; now build, and run ./test")


if __name__ == "__main__":
    main()
