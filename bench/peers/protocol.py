"""What every worker of bench/compare shares: the data, and the conversation.

A worker is a process that reads one JSON object a line and answers each with one line:

    {"do": "hello"}                                  {"peer": "PyTorch", "version": "...", "variants": [...]}
    {"do": "load", "variant": "sdpa", "case": {..}}  {"rss_mib": 12.5} or {"skip": "why it cannot"}
    {"do": "save", "variant": "sdpa", "path": "f"}   {}   the outputs, raw fp32, one after another
    {"do": "time", "variant": "sdpa", "seconds": 1}  {"wall_ms": [..], "cpu_ms": [..]}
    {"do": "drop"}                                   {}   forgets everything loaded

or with {"error": "..."}. Our own worker (bench/bench_worker.cc) speaks the same and also measures the
machine: {"do": "limit", "of": "fma"} and {"do": "limit", "of": "read", "bytes": n} answer {"value": g}.

A case: kind (core, core_train, layer, train, decode), batch, q_len, kv_len, n_heads, n_kv_heads, head_dim,
causal, dtype (f32, bf16: of all inputs and outputs). d_model is n_heads * head_dim.
"""
import ctypes
import gc
import json
import math
import sys
import time

import ml_dtypes
import numpy as np

# Which stream of the generator fills which tensor; bench/case_data.h has the same list.
STREAMS = {"x": 1, "w_qkv": 2, "b_qkv": 3, "w_o": 4, "b_o": 5, "q": 6, "k": 7, "v": 8, "d_out": 9}
CHUNK = 1 << 20
MAX_CALLS = 4000


def uniform(stream, shape, scale):
    """fp32 in [-scale, scale): value i is splitmix64 (Steele et al. 2014) of stream * 2^40 + i, its top
    24 bits, so that every language gives the same bits."""
    out = np.empty(math.prod(shape), np.float32)
    for first in range(0, out.size, CHUNK):
        z = np.arange(first, min(first + CHUNK, out.size), dtype=np.uint64) + np.uint64(stream << 40)
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        top = ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float32)
        out[first:first + CHUNK] = (top * np.float32(2**-23) - np.float32(1)) * np.float32(scale)
    return out.reshape(shape)


def rounded(array, dtype):
    """fp32 values that dtype can hold, nearest to the given ones, ties to even."""
    return array if dtype == "f32" else array.astype(ml_dtypes.bfloat16).astype(np.float32)


def case_tensor(case, name):
    """The named input of a case as fp32. x, q, k, v have variance 1, and so has each projection of x."""
    b, tq, tkv = case["batch"], case["q_len"], case["kv_len"]
    h, hkv, d = case["n_heads"], case["n_kv_heads"], case["head_dim"]
    width = h * d
    unit, weight = math.sqrt(3), math.sqrt(3 / width)
    shapes = {
        "x": ((b, tq, width), unit),
        "w_qkv": ((3 * width, width), weight),
        "b_qkv": ((3 * width,), 0.1),
        "w_o": ((width, width), weight),
        "b_o": ((width,), 0.1),
        "q": ((b, tq, h, d), unit),
        "k": ((b, tkv, hkv, d), unit),
        "v": ((b, tkv, hkv, d), unit),
        "d_out": ((b, tq, width), 1.0),
    }
    shape, scale = shapes[name]
    return rounded(uniform(STREAMS[name], shape, scale), case["dtype"])


class Skip(Exception):
    """A peer that has no such case says why."""


def memory_mib(key):
    """A field of /proc/self/status, in MiB."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def settle_memory():
    """Gives freed memory back and forgets the peak; returns what is resident now, in MiB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")
    return memory_mib("VmRSS")


def load(maker, request):
    """Prepares a variant, calls it twice, and measures what both hold resident."""
    before = settle_memory()
    loaded = maker(request["case"], request["variant"])
    # Making the data and the model may have taken more for a moment; only what stays is counted.
    settle_memory()
    for _ in range(2):
        loaded.run()
    return loaded, memory_mib("VmHWM") - before


def measure(loaded, seconds):
    """Times single calls after one that warms the caches."""
    loaded.run()
    wall, cpu = [], []
    end = time.perf_counter() + seconds
    while not wall or (time.perf_counter() < end and len(wall) < MAX_CALLS):
        cpu_start, start = time.process_time_ns(), time.perf_counter_ns()
        loaded.run()
        stop, cpu_stop = time.perf_counter_ns(), time.process_time_ns()
        wall.append((stop - start) / 1e6)
        cpu.append((cpu_stop - cpu_start) / 1e6)
    return {"wall_ms": wall, "cpu_ms": cpu}


def answer(hello, maker, slots, request):
    do = request["do"]
    if do == "hello":
        return hello
    if do == "load":
        slots[request["variant"]], rss = load(maker, request)
        return {"rss_mib": rss}
    if do == "save":
        with open(request["path"], "wb") as out:
            for tensor in slots[request["variant"]].outputs():
                out.write(np.ascontiguousarray(tensor, np.float32).tobytes())
        return {}
    if do == "time":
        return measure(slots[request["variant"]], request["seconds"])
    if do == "drop":
        slots.clear()
        return {}
    raise ValueError(f"unknown request {do}")


def serve(hello, maker):
    """Answers requests until stdin ends. maker(case, variant) returns an object with run() and
    outputs(), or raises Skip."""
    slots = {}
    for line in sys.stdin:
        try:
            reply = answer(hello, maker, slots, json.loads(line))
        except Skip as why:
            reply = {"skip": str(why)}
        except Exception as error:  # pylint: disable=broad-except  # a peer's failure is its result
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(reply), flush=True)
