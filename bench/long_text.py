#!/usr/bin/env python3
"""What a long text costs the lab: time to its first map, and memory.

usage: bench/long_text.py --model DIR [--tokens 100000 | --text FILE] [--layers 1] [--binary FILE]

Starts the lab on a free port, posts a text (or as many random token ids), computes the first layers, and asks for maps
of one head: the whole, then parts of it down to single tokens, then a row's strongest targets. Prints seconds, and the
resident memory of the server with the model alone, now, and at its peak. Standard library only.
"""
import argparse
import json
import os
import random
import re
import subprocess
import time
import urllib.request


def resident(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"{field}:\s+(\d+) kB", status.read()).group(1)) / 1024


class Lab:
    def __init__(self, binary, model):
        command = [binary, "lab", "--port", "0", "--model", model]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip() + "api/v1/"

    def ask(self, path, body=None):
        """The answer and the seconds that it took."""
        data = None if body is None else json.dumps(body).encode()
        begin = time.monotonic()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data)) as answer:
            content, headers = answer.read(), answer.headers
        return content, headers, time.monotonic() - begin

    def memory(self):
        now, peak = resident(self.process.pid, "VmRSS"), resident(self.process.pid, "VmHWM")
        return f"resident {now:.0f} MB, at most {peak:.0f} MB"

    def stop(self):
        self.process.terminate()
        self.process.wait()


def text_of(options, model):
    if options.text:
        with open(options.text, encoding="utf-8") as file:
            return {"text": file.read()}
    draw = random.Random(1)
    return {"ids": [draw.randrange(3, model["vocab_size"]) for _ in range(options.tokens)]}


def measure(lab, options):
    models = json.loads(lab.ask("models")[0])
    model = next(one for one in models["models"] if one["name"] == models["default"])
    lab.ask("traces", {"model": model["name"], "ids": [3, 4, 5]})
    print("model loaded:", lab.memory())
    body = {"model": model["name"], "long": True, "past_max_len": True, **text_of(options, model)}
    content, _, seconds = lab.ask("traces", body)
    trace = json.loads(content)
    length, path = trace["length"], f"traces/{trace['id']}/"
    print(f"{length} tokens posted: {seconds:.2f} s; {lab.memory()}")
    for layer in range(options.layers):
        seconds = lab.ask(f"{path}record?layers={layer + 1}")[2]
        print(f"layer {layer} recorded: {seconds:.1f} s; {lab.memory()}")
    span = length
    while span >= 100:
        begin = (length - span) // 2
        part = f"{begin}:{begin + span}"
        _, headers, seconds = lab.ask(f"{path}map?layer=0&head=0&rows={part}&columns={part}")
        print(f"map of {span} x {span}: {seconds:.3f} s, rows read {headers['X-Rows-Read']}")
        span //= 8
    seconds = lab.ask(f"{path}strongest?layer=0&head=0&query={length - 1}")[2]
    print(f"strongest targets of the last token: {seconds:.3f} s; {lab.memory()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokens", type=int, default=100000)
    parser.add_argument("--text")
    parser.add_argument("--layers", type=int, default=1)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--binary", default=os.path.join(root, "build/release/headlight"))
    options = parser.parse_args()
    lab = Lab(options.binary, os.path.abspath(options.model))
    try:
        measure(lab, options)
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
