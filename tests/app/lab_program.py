"""The lab program as the scripts here run it, and requests to it by the byte."""
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
from pathlib import Path

HOST = "127.0.0.1"


class Lab:
    """A running `headlight lab` on a free port, ended with the scope."""

    def __init__(self, *args):
        environment = {"OMP_WAIT_POLICY": "passive", "HEADLIGHT_SHARED": "/nonexistent"}
        kept = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "OMP_NUM_THREADS")
        environment |= {name: os.environ[name] for name in kept if name in os.environ}
        self.process = subprocess.Popen(
            [os.environ["HEADLIGHT_BINARY"], "lab", "--port", "0", *args],
            stdout=subprocess.PIPE, text=True, env=environment)
        self.address = self.process.stdout.readline().strip()
        found = re.match(r"http://127\.0\.0\.1:(\d+)/", self.address)
        assert found, f"the lab printed {self.address!r}"
        self.port = int(found[1])
        self.name = f"{HOST}:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0, "the lab did not end cleanly"
        self.process.stdout.close()

    def connect(self, seconds=30):
        return socket.create_connection((HOST, self.port), timeout=seconds)

    def exchange(self, request):
        """Sends bytes and returns all that comes back until the lab closes."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):  # refused before all of it was sent
                connection.sendall(request)
            return read_all(connection)

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body) of a proper request; the body as JSON where it is."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        connection.request(method, path, body and json.dumps(body), headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.getheader("Content-Type") == "application/json":
            content = json.loads(content)
        return answer.status, answer.headers, content

    def resident_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def read_all(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def status_of(answer):
    """The status of an answer's bytes; None when there was no answer."""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else None
