#!/usr/bin/env python3
"""10 000 bad requests, each refused with its status; then the lab answers as before, and is no larger.

Beside them 120 connections drip a byte now and then, and 80 say nothing.
"""
import itertools
import json
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from lab_program import Lab, read_all, status_of

REQUESTS = 10_000
WARM_UP = 1_000  # requests after which memory should have settled
MOST_GROWTH = 32 << 20
DRIPPING, SILENT = 120, 80
DRIPS, PAUSE = 18, 0.5  # the lab gives a request 10 s
CLIENTS = 16
SEED = 5


def head(host, line="GET /api/v1/health HTTP/1.1", *headers):
    return "\r\n".join([line, f"Host: {host}", *headers, "", ""]).encode("latin-1")


def posted(host, path, body, *headers):
    length = f"Content-Length: {len(body)}"
    return head(host, f"POST {path} HTTP/1.1", "Content-Type: application/json", length, *headers) + body


def bad_request_lines(host):
    for line in ("", "garbage", "GET", "GET /", "GET  HTTP/1.1", "/ GET HTTP/1.1", "GET http://a/ HTTP/1.1",
                 "GET /\xe9 HTTP/1.1", "G\x00T / HTTP/1.1", "\x16\x03\x01\x02\x00\x01"):
        yield 400, head(host, line)
    for version in ("HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP", "http/1.1", "b HTTP/1.1"):
        yield 505, head(host, f"GET / {version}")
    yield 400, b"\r\n\r\n"
    yield 505, f"GET / HTTP/1.1\nHost: {host}\n\n".encode() + b"\r\n\r\n"


def wrong_methods(host):
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"):
        yield 405, head(host, f"{method} /api/v1/traces HTTP/1.1")
    yield 405, head(host, "GET /api/v1/ablations HTTP/1.1")
    yield 405, posted(host, "/api/v1/models", b"{}")


def bad_headers(host):
    for line in ("no colon", ": x", "Na me: x", "X: a\x00b", "X: a\nb", "Content-Length: -5",
                 "Content-Length: 5x", "Content-Length: 5\r\nContent-Length: 6",
                 "Content-Length: 99999999999999999999"):
        yield 400, head(host, "POST /api/v1/traces HTTP/1.1", line)
    yield 403, head(host, "GET /api/v1/health HTTP/1.1", " folded into the Host")
    yield 411, head(host, "POST /api/v1/traces HTTP/1.1", "Transfer-Encoding: chunked") + b"ZZ\r\n"
    yield 415, head(host, "POST /api/v1/traces HTTP/1.1", "Content-Encoding: gzip")


def too_much(host):
    yield 414, head(host, f"GET /{'a' * 9000} HTTP/1.1")
    yield 431, head(host, "GET / HTTP/1.1", "X: " + "a" * 9000)
    yield 431, head(host, "GET / HTTP/1.1", *["X: y"] * 101)
    yield 431, head(host, "GET / HTTP/1.1", *["X: " + "a" * 7000] * 10)
    yield 413, head(host, "POST /api/v1/traces HTTP/1.1", "Content-Length: 1048577")


def large_bodies(host):
    yield 413, posted(host, "/api/v1/traces", b" " * 2_000_000)
    yield 400, posted(host, "/api/v1/traces", b"[" * 1_000_000)


def other_names(host):
    port = host.split(":")[1]
    for name in ("evil.example", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil.example:{port}", ""):
        yield 403, head(name)
    yield 403, b"GET / HTTP/1.1\r\n\r\n"
    yield 403, head(host, "GET / HTTP/1.1", f"Host: {host}")


def other_origins(host):
    body = json.dumps({"model": "lumen", "text": "The cat"}).encode()
    for origin in ("http://evil.example", "null", f"https://{host}", "http://127.0.0.1:1"):
        yield 403, posted(host, "/api/v1/traces", body, f"Origin: {origin}")
        yield 403, head(host, "GET /api/v1/models HTTP/1.1", f"Origin: {origin}")
    for site in ("cross-site", "same-site", "x"):
        yield 403, head(host, "GET /api/v1/layer_time?d_model=2048&n_heads=8&length=4096 HTTP/1.1",
                        f"Sec-Fetch-Site: {site}")


def bad_bodies(host):
    for body in (b"", b"{", b"[]", b"null", b"7", b'{"model": "lumen"}', b'{"model": 7, "text": "a"}',
                 b'{"model": "lumen", "text": "a", "ids": [1]}', b'{"model": "lumen", "ids": [1.5]}',
                 b'{"model": "lumen", "ids": [99999999]}', b'{"model": "lumen", "ids": "1"}',
                 b'{"model": "lumen", "text": "a", "gates": {"9.9": 0}}', b"[" * 5000,
                 b'{"model": "lumen", "text": "a", "more": 1}', b'{"model": "", "text": 7}',
                 b'{"model": "lumen", "text": "\xff\xfe"}', b'{"model": "\xc3\x28", "text": "a"}',
                 b'{"model": "lumen", "text": "\\ud800"}', b'{"model": "lumen", "model": "lumen", "text": "a"}'):
        yield 400, posted(host, "/api/v1/traces", body)
    yield 404, posted(host, "/api/v1/traces", b'{"model": "nobody", "text": "a"}')
    yield 400, posted(host, "/api/v1/ablations", b'{"trace": 7, "heads": {}}')
    yield 404, posted(host, "/api/v1/ablations", b'{"trace": "none", "heads": {}}')


def bad_paths(host):
    for path in ("/nothing", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/%00", "/%ff%fe", "/index.html/",
                 "/api/v2/models", "/api/v1/traces/none", "/api/v1/traces/none/rows?layer=0&query=0",
                 "/api/v1/abilities?model=none", "/" + "a/" * 2000):
        yield 404, head(host, f"GET {path} HTTP/1.1")
    yield 400, head(host, "GET /api/v1/layer_time?d_model=x&n_heads=1&length=1 HTTP/1.1")
    yield 400, head(host, "GET /api/v1/layer_time?d_model=4&d_model=4 HTTP/1.1")


KINDS = (bad_request_lines, wrong_methods, bad_headers, too_much, other_names, other_origins, bad_bodies, bad_paths)


def bad_requests(host):
    """Of each kind as many, with noise among them, and a few that are large or stop half-way."""
    noise = random.Random(SEED)
    kinds = [itertools.cycle(kind(host)) for kind in KINDS]
    large, half = itertools.cycle(large_bodies(host)), itertools.cycle((b"", b"G", b"GET / HTTP/1.1\r\nHo"))
    for i in itertools.count():
        if i % 500 == 499:
            yield next(large)
        elif i % 20 == 19:
            yield None, next(half)
        elif i % 20 == 9:
            yield 400, b"\x00" + noise.randbytes(noise.randrange(2000)) + b"\r\n\r\n"
        else:
            yield next(kinds[i % len(kinds)])


def send(lab, wanted, request):
    """What was wrong about the answer, or None."""
    if wanted is None:  # gone before the end
        with lab.connect() as connection:
            connection.sendall(request)
        return None
    answer = lab.exchange(request)
    status, body = status_of(answer), answer.partition(b"\r\n\r\n")[2]
    if status != wanted:
        return f"{status} instead of {wanted} for {request[:80]!r}: {answer[:200]!r}"
    if not json.loads(body)["error"]["message"]:
        return f"no message for {request[:80]!r}"
    return None


def drip(lab, statuses):
    """Requests that would arrive in minutes; what the lab says to them."""
    request = head(lab.name)
    connections = [lab.connect() for _ in range(DRIPPING)]
    for i in range(DRIPS):
        for connection in connections:
            connection.sendall(request[i:i + 1])
        time.sleep(PAUSE)
    for connection in connections:
        with connection:
            statuses.append(status_of(read_all(connection)))


def answers(lab):
    """What a well-behaved client sees."""
    status, _, trace = lab.request("POST", "/api/v1/traces", {"model": "lumen", "text": "The cat sat"})
    assert status == 200, trace
    status, _, rows = lab.request("GET", f"/api/v1/traces/{trace['id']}/rows?layer=1&query=2")
    assert status == 200, rows
    return rows


def run(lab):
    """What went wrong, and by how many bytes the lab grew after the warm-up."""
    expected = answers(lab)
    statuses = []
    dripping = threading.Thread(target=drip, args=(lab, statuses))
    dripping.start()
    silent = [lab.connect() for _ in range(SILENT)]
    requests = bad_requests(lab.name)
    problems, sizes = [], []
    with ThreadPoolExecutor(CLIENTS) as clients:
        for count in (WARM_UP, REQUESTS - WARM_UP):
            batch = list(itertools.islice(requests, count))
            problems += filter(None, clients.map(lambda each: send(lab, *each), batch))
            sizes.append(lab.resident_bytes())
            if answers(lab) != expected:
                problems.append("a good request is answered differently")
    dripping.join()
    problems += [f"a slow request was answered with {status}" for status in statuses if status != 408]
    if len(statuses) != DRIPPING:
        problems.append(f"only {len(statuses)} slow requests were answered")
    for connection in silent:
        with connection:
            if read_all(connection):
                problems.append("a silent connection was answered")
    return problems, sizes[1] - sizes[0]


def main():
    with Lab() as lab:
        began = time.monotonic()
        problems, grown = run(lab)
        seconds = time.monotonic() - began
    if grown > MOST_GROWTH and not os.environ.get("HEADLIGHT_SANITIZED"):
        problems.append("memory grew")
    print(f"{REQUESTS} bad requests in {seconds:.1f} s, {DRIPPING} slow and {SILENT} silent ones among them; "
          f"memory grew by {grown / 2**20:.1f} MiB after the first {WARM_UP}")
    for problem in problems[:20]:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
