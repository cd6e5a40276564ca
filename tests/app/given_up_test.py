#!/usr/bin/env python3
"""Requests whose clients have gone while they waited are not computed."""
import json
import threading
import time
import unittest

from lab_program import Lab

GONE = 20
LONG = "/api/v1/layer_time?d_model=2048&n_heads=16&length=512"  # busy for some tenths of a second


def post_trace(lab, text):
    """The number of a new trace: they are counted when they are made."""
    status, _, trace = lab.request("POST", "/api/v1/traces", {"model": "lumen", "text": text})
    assert status == 200, trace
    return int(trace["id"].rpartition("-")[2])


class GivenUp(unittest.TestCase):
    def test_what_waits_in_vain_is_left_out(self):
        with Lab() as lab:
            first = post_trace(lab, "The cat")
            busy = threading.Thread(target=lab.request, args=("GET", LONG))
            busy.start()
            time.sleep(0.2)  # should it not be busy yet, some of the others are computed
            for i in range(GONE):
                body = json.dumps({"model": "lumen", "text": f"The dog {i}"})
                head = f"POST /api/v1/traces HTTP/1.1\r\nHost: {lab.name}\r\nContent-Length: {len(body)}\r\n\r\n"
                with lab.connect() as connection:
                    connection.sendall(head.encode() + body.encode())
            last = post_trace(lab, "The cat again")
            busy.join()
        self.assertLess(last - first - 1, GONE)
        print(f"{last - first - 1} of {GONE} were computed")


if __name__ == "__main__":
    unittest.main()
