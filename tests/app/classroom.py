#!/usr/bin/env python3
"""A class at once: 64 clients with 50 requests each, the queries that a page makes about its text. No request may
fail. Prints how long answers take beside those of one client alone; the times decide nothing.

usage: classroom.py [--pause SECONDS]    between the requests of a client, on average (0: none; default: 0.2)
"""
import argparse
import random
import statistics
import sys
import threading
import time

from lab_program import Lab

CLIENTS, REQUESTS = 64, 50
SEED = 7


def one_client(lab, number, pause, seconds, problems):
    """Posts a text of its own and asks about it, layer by layer and word by word."""
    chance = random.Random(SEED + number)
    text = f"The animal didn't cross street {number} because it was too tired."
    trace = None
    for i in range(REQUESTS):
        time.sleep(chance.expovariate(1 / pause) if pause else 0)
        began = time.perf_counter()
        if trace is None:
            status, _, answer = lab.request("POST", "/api/v1/traces", {"model": "lumen", "text": text})
            trace = answer if status == 200 else None
        else:
            layers, length = trace["model"]["n_layers"], trace["length"]
            part = "overview?size=32" if i == 1 else f"rows?layer={i % layers}&query={i % length}"
            status, _, answer = lab.request("GET", f"/api/v1/traces/{trace['id']}/{part}")
        seconds.append(time.perf_counter() - began)
        if status != 200:
            problems.append(f"client {number}, request {i}: {status} {answer}")


def measure(lab, clients, pause):
    """The seconds of every request, and what went wrong."""
    seconds, problems = [], []
    threads = [threading.Thread(target=one_client, args=(lab, i, pause, seconds, problems)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seconds) != clients * REQUESTS:
        problems.append(f"only {len(seconds)} of {clients * REQUESTS} requests were answered")
    return seconds, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pause", type=float, default=0.2)
    pause = parser.parse_args().pause
    with Lab() as lab:
        measure(lab, 1, 0)  # the model is loaded
        alone, problems = measure(lab, 1, 0)
        together, more = measure(lab, CLIENTS, pause)
    problems += more
    for problem in problems[:10]:
        print(problem)
    if problems:
        sys.exit(1)
    median, high = statistics.median(alone), statistics.quantiles(together, n=20)[-1]
    print(f"alone: median {1e3 * median:.2f} ms; {CLIENTS} clients x {REQUESTS} requests, {pause} s apart: median "
          f"{1e3 * statistics.median(together):.2f} ms, p95 {1e3 * high:.2f} ms = {high / median:.1f} x the median alone")


if __name__ == "__main__":
    main()
