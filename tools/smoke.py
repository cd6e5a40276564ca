#!/usr/bin/env python3
"""A stranger's first minutes: clone, ./run, look at the page, stop it, ./run again.

usage: smoke.py [--limit SECONDS]    SECONDS: for the second start to serve, by default 5
The clone's folder has a blank in its name on purpose.
"""
import argparse
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST_START = 3600  # seconds: packages, the whole build


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode("utf-8")


def wait_until_healthy(lab, url, limit):
    """Seconds until the health endpoint answers; SystemExit when it does not or the lab ends."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        if lab.poll() is not None:
            sys.exit(f"smoke: ./run ended with {lab.returncode} before it served")
        try:
            if '"ok"' in fetch(url + "/api/v1/health"):
                return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit(f"smoke: nothing served at {url} within {limit} s")


def check_page(url):
    page = fetch(url + "/")
    if "<title>" not in page or "Headlight" not in page:
        sys.exit(f"smoke: the page at {url} is not the lab's: {page[:200]!r}")
    for asset in re.findall(r'(?:src|href)="([^":]+\.(?:js|css))"', page):
        if len(fetch(url + "/" + asset.lstrip("./"))) < 100:
            sys.exit(f"smoke: {asset} is empty")


def start(clone, limit):
    """Starts ./run from another folder, checks what it serves, stops it; the seconds it took."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    lab = subprocess.Popen([clone / "run", "--port", str(port)], cwd="/", text=True,
                           stdout=subprocess.PIPE)
    try:
        seconds = wait_until_healthy(lab, url, limit)
        check_page(url)
    finally:
        if lab.poll() is None:
            lab.send_signal(signal.SIGTERM)
        try:
            printed, _ = lab.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            lab.kill()
            sys.exit("smoke: the lab did not stop within 10 s of SIGTERM")
    if url not in printed:
        sys.exit(f"smoke: ./run did not print its address {url}; it printed:\n{printed[-2000:]}")
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=5)
    limit = parser.parse_args().limit
    with tempfile.TemporaryDirectory(prefix="headlight smoke ") as folder:
        clone = Path(folder, "a clone")
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        print(f"smoke: first start serves after {start(clone, FIRST_START):.1f} s", flush=True)
        print(f"smoke: second start serves after {start(clone, limit):.1f} s", flush=True)


if __name__ == "__main__":
    main()
