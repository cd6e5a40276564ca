#!/usr/bin/env python3
"""A class at once: 64 clients with 50 requests each, the queries that a page makes about its text, half of them on
connections that they keep. No request may fail. How long answers take is measured by bench/bench_lab.cc.
"""
import http.client
import json
import sys
import threading

from lab_program import HOST, Lab

CLIENTS, REQUESTS = 64, 50


class Client:
    """Asks on one connection, or on a new one each time."""

    def __init__(self, lab, keep):
        self.lab = lab
        self.kept = http.client.HTTPConnection(HOST, lab.port, timeout=60) if keep else None

    def ask(self, method, path, body=None):
        """(status, body)"""
        if not self.kept:
            status, _, answer = self.lab.request(method, path, body)
            return status, answer
        self.kept.request(method, path, body and json.dumps(body))
        answer = self.kept.getresponse()
        content = answer.read()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(content) if is_json else content


def one_client(lab, number, answered, problems):
    """Posts a text of its own and asks about it, layer by layer and word by word."""
    client = Client(lab, number % 2 == 0)
    text = f"The animal didn't cross street {number} because it was too tired."
    status, trace = client.ask("POST", "/api/v1/traces", {"model": "lumen", "text": text})
    if status != 200 or trace["text"] != text:
        problems.append(f"client {number}: {status} {trace}")
        return
    layers, length = trace["model"]["n_layers"], trace["length"]
    for i in range(1, REQUESTS):
        layer, query = i % layers, i % length
        part = "overview?size=32" if i == 1 else f"rows?layer={layer}&query={query}"
        status, answer = client.ask("GET", f"/api/v1/traces/{trace['id']}/{part}")
        if status != 200 or (i > 1 and (answer["layer"], answer["query"]) != (layer, query)):
            problems.append(f"client {number}, request {i}: {status} {answer}")
    answered.append(number)


def main():
    answered, problems = [], []
    with Lab() as lab:
        threads = [threading.Thread(target=one_client, args=(lab, i, answered, problems)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if sorted(answered) != list(range(CLIENTS)):
        problems.append(f"only {len(answered)} of {CLIENTS} clients came to their end")
    print(f"{CLIENTS} clients x {REQUESTS} requests, {len(problems)} problems")
    for problem in problems[:10]:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
