#!/usr/bin/env python3
"""Makes a trained micro-world model one that the program comes with.

usage: ship_model.py NAME TRAINED [--binary build/release/headlight] [--sentences N] [--threads N]
TRAINED is what `headlight train --preset NAME --out TRAINED` left. Weights and tokenizer are copied to models/NAME, and
lumen's record of what heads looked at; `headlight relations` measures its abilities; the tables of
models/NAME/README.md are filled in. Nothing of models/NAME changes before everything is measured. Build again
afterwards: the program embeds the files.
"""
import argparse
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
DEFAULT = "lumen"
COPIED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
# The default model with its card, and its record, as the project's limits have them.
MOST_BYTES = 8 << 20
MOST_EMERGENCE_BYTES = 3 << 20


def duration(seconds):
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def parts_of(trained):
    """The folders of a run's parts: the last is the run's own."""
    return sorted(trained.glob("part-*"), key=lambda part: int(part.name.removeprefix("part-"))) + [trained]


def settings_of(part):
    return json.loads((part / "settings.json").read_text(encoding="utf-8"))


def run_facts(part):
    """What a part's own files say of it, as rows of a table."""
    settings = settings_of(part)
    lines = (part / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    last = steps[-1]
    if last["step"] != settings["steps"]:
        sys.exit(f"ship_model: {part} stopped at step {last['step']} of {settings['steps']}")
    # `seconds` starts anew when a run is resumed.
    seconds = sum(b["seconds"] for b, a in zip(steps, steps[1:] + [{"seconds": 0}]) if a["seconds"] < b["seconds"])
    tail = steps[-200:]
    loss = sum(step["loss"] for step in tail) / len(tail)
    facts = [
        ("steps", settings["steps"]),
        ("sentences in a step", settings["sequences"]),
        ("seed", settings["seed"]),
        ("learning rate", f"{settings['learning_rate']}, {settings['warmup']} steps of warm-up, then a cosine"),
        ("price on the overlap of heads", settings["head_overlap"] or "none"),
        ("tokens read", f"{sum(step['tokens'] for step in steps) / 1e6:.1f} million"),
        ("time", f"{duration(seconds)}, {sum(s['tokens'] for s in steps) / seconds / 1e3:.1f} thousand tokens a second"),
        ("loss, mean of the last 200 steps", f"{loss:.4f} nats for each asked word"),
    ]
    return "| training | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in facts)


def join_records(parts, to):
    """The snapshots of all parts, their steps counted from the first part's beginning."""
    lines, before = [], 0
    for part in parts:
        for line in (part / "emergence.jsonl").read_text(encoding="utf-8").splitlines():
            snapshot = json.loads(line)
            snapshot["step"] += before
            lines.append(json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")))
        before += settings_of(part)["steps"]
    to.write_text("\n".join(lines) + "\n", encoding="utf-8")


def filled(card, name, text):
    """The card with the part between <!-- name --> and <!-- end of name --> replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(card):
        sys.exit(f"ship_model: the card has no place for {name}")
    return pattern.sub(lambda match: match.group(1) + "\n" + text.strip() + "\n\n" + match.group(2), card)


def halve(folder):
    """Rounds the folder's weights, all of them f32, to f16."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    size = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:size])
    parts, at = [], 0
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        if tensor["dtype"] != "F32":
            sys.exit(f"ship_model: {name} is {tensor['dtype']}, not F32")
        n = (end - begin) // 4
        parts.append(struct.pack(f"<{n}e", *struct.unpack(f"<{n}f", data[size + begin:size + end])))
        tensor.update(dtype="F16", data_offsets=[at, at + 2 * n])
        at += 2 * n
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["torch_dtype"] = "float16"
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def measure(options, folder):
    """Writes abilities.json into the folder; the tables as Markdown."""
    command = [str(options.binary), "relations", "--model", str(folder), "--out", str(folder / "abilities.json"),
               "--sentences", str(options.sentences), "--markdown"]
    if options.threads:
        command += ["--threads", str(options.threads)]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def accuracies(folder):
    """By relation and language: (right, asked)."""
    abilities = json.loads((folder / "abilities.json").read_text(encoding="utf-8"))
    return {(each["relation"], each["language"]): (each["right"], each["asked"]) for each in abilities["relations"]}


def beside_default(folder):
    """The accuracy of the folder's model and of the default one, relation by relation, as Markdown."""
    others = accuracies(MODELS / DEFAULT)
    text = f"| relation | language | asked | right | {DEFAULT} |\n|---|---|---:|---:|---:|\n"
    for (relation, language), (right, asked) in accuracies(folder).items():
        other_right, other_asked = others[relation, language]
        text += (f"| {relation} | {language} | {asked} | {100 * right / asked:.1f} % | "
                 f"{100 * other_right / other_asked:.1f} % |\n")
    return text


def check_sizes(folder):
    record = folder / "emergence.jsonl"
    recorded = record.stat().st_size if record.exists() else 0
    total = sum(path.stat().st_size for path in folder.iterdir()) - recorded
    if total > MOST_BYTES or recorded > MOST_EMERGENCE_BYTES:
        sys.exit(f"ship_model: {total} bytes, and {recorded} of emergence.jsonl, are more than the repository takes")


def make(options, made):
    """Everything of the model, in a folder of its own."""
    for name in COPIED:
        shutil.copyfile(options.trained / name, made / name)
    parts = parts_of(options.trained)
    if options.name == DEFAULT:
        join_records(parts, made / "emergence.jsonl")
    else:
        halve(made)
    card = (MODELS / options.name / "README.md").read_text(encoding="utf-8")
    card = filled(card, "first part", run_facts(parts[0]))
    card = filled(card, "last part", run_facts(parts[-1]))
    tables = measure(options, made)
    if options.name == DEFAULT:
        card = filled(card, "abilities", tables)
    else:
        card = filled(card, "accuracy", beside_default(made))
    (made / "README.md").write_text(card, encoding="utf-8")
    check_sizes(made)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[DEFAULT, "lumen-one"])
    parser.add_argument("trained", type=Path)
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/headlight")
    parser.add_argument("--sentences", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    folder = MODELS / options.name
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / options.name
        made.mkdir()
        make(options, made)
        for path in made.iterdir():
            shutil.copyfile(path, folder / path.name)
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.2f} MB; now build, and run ./test")


if __name__ == "__main__":
    main()
