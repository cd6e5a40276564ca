#!/usr/bin/env python3
"""llama.cpp's ggml as a worker of bench/compare (protocol.py): ggml_flash_attn_ext on its CPU backend.

flash  keys and values in the storage of the case; queries and results are always fp32, weights too

The shared libraries are those that the npm package @node-llama-cpp/linux-x64 ships; bench/peers/setup unpacks
them. They come without headers: the declarations below are the few of ggml.h that are called.
"""
import ctypes
import math
import os
from ctypes import POINTER, Structure, c_bool, c_char_p, c_float, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

import ml_dtypes
import numpy as np

from protocol import Skip, case_tensor, serve

LIBRARIES = Path(os.environ.get("HEADLIGHT_GGML", Path(__file__).resolve().parents[2] / "build" / "peers" / "ggml"))
TYPES = {"f32": 0, "f16": 1, "bf16": 30}  # enum ggml_type
STORED = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
CPU = 0                       # enum ggml_backend_dev_type
SMALL_GRAPH = 4 << 20         # bytes for the descriptions of tensors and of the graph, not for their data


class InitParams(Structure):
    _fields_ = [("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool)]


DECLARATIONS = {
    "ggml_version": (c_char_p, []),
    "ggml_init": (c_void_p, [InitParams]),
    "ggml_free": (None, [c_void_p]),
    "ggml_new_tensor": (c_void_p, [c_void_p, c_int, c_int, POINTER(c_int64)]),
    "ggml_mul_mat": (c_void_p, [c_void_p] * 3),
    "ggml_add": (c_void_p, [c_void_p] * 3),
    "ggml_view_4d": (c_void_p, [c_void_p, c_void_p] + [c_int64] * 4 + [c_size_t] * 4),
    "ggml_permute": (c_void_p, [c_void_p, c_void_p] + [c_int] * 4),
    "ggml_reshape_3d": (c_void_p, [c_void_p, c_void_p] + [c_int64] * 3),
    "ggml_flash_attn_ext": (c_void_p, [c_void_p] * 5 + [c_float] * 3),
    "ggml_new_graph": (c_void_p, [c_void_p]),
    "ggml_build_forward_expand": (None, [c_void_p, c_void_p]),
    "ggml_nbytes": (c_size_t, [c_void_p]),
    "ggml_gallocr_new": (c_void_p, [c_void_p]),
    "ggml_gallocr_alloc_graph": (c_bool, [c_void_p, c_void_p]),
    "ggml_gallocr_free": (None, [c_void_p]),
    "ggml_backend_load_all_from_path": (None, [c_char_p]),
    "ggml_backend_init_by_type": (c_void_p, [c_int, c_char_p]),
    "ggml_backend_get_device": (c_void_p, [c_void_p]),
    "ggml_backend_dev_backend_reg": (c_void_p, [c_void_p]),
    "ggml_backend_reg_get_proc_address": (c_void_p, [c_void_p, c_char_p]),
    "ggml_backend_get_default_buffer_type": (c_void_p, [c_void_p]),
    "ggml_backend_alloc_ctx_tensors": (c_void_p, [c_void_p, c_void_p]),
    "ggml_backend_buffer_free": (None, [c_void_p]),
    "ggml_backend_tensor_set": (None, [c_void_p, c_void_p, c_size_t, c_size_t]),
    "ggml_backend_tensor_get": (None, [c_void_p, c_void_p, c_size_t, c_size_t]),
    "ggml_backend_graph_compute": (c_int, [c_void_p, c_void_p]),
}


class Ggml:
    """The functions above by name, and a CPU backend on as many threads as the others get."""

    def __init__(self, threads):
        try:
            base = ctypes.CDLL(str(LIBRARIES / "libggml-base.so"), ctypes.RTLD_GLOBAL)
            registry = ctypes.CDLL(str(next(LIBRARIES.glob("libggml.v*.so"))))
        except (OSError, StopIteration) as error:
            raise Skip(f"no ggml libraries in {LIBRARIES}: run bench/peers/setup ({error})") from error
        for name, (result, arguments) in DECLARATIONS.items():
            function = getattr(base, name, None) or getattr(registry, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name.removeprefix("ggml_"), function)
        self.backend_load_all_from_path(str(LIBRARIES).encode())  # picks the variant for this CPU
        self.backend = self.backend_init_by_type(CPU, None)
        if not self.backend:
            raise Skip("ggml finds no CPU backend for this machine")
        registered = self.backend_dev_backend_reg(self.backend_get_device(self.backend))
        address = self.backend_reg_get_proc_address(registered, b"ggml_backend_set_n_threads")
        ctypes.CFUNCTYPE(None, c_void_p, c_int)(address)(self.backend, threads)

    def context(self):
        return self.init(InitParams(SMALL_GRAPH, None, True))

    def tensor(self, context, kind, *extents):
        """Extents innermost first, as everywhere in ggml."""
        return self.new_tensor(context, TYPES[kind], len(extents), (c_int64 * len(extents))(*extents))


class Graph:
    """A graph that is built once and computed many times."""

    def __init__(self, ggml, case):
        self.ggml, self.case = ggml, case
        self.inputs, self.nodes = ggml.context(), ggml.context()
        self.values = []  # (tensor, array), copied in once memory is there
        self.y = self.build()
        self.buffer = ggml.backend_alloc_ctx_tensors(self.inputs, ggml.backend)
        for tensor, array in self.values:
            ggml.backend_tensor_set(tensor, array.ctypes.data, 0, array.nbytes)
        self.values.clear()
        self.graph = ggml.new_graph(self.nodes)
        ggml.build_forward_expand(self.graph, self.y)
        self.scratch = ggml.gallocr_new(ggml.backend_get_default_buffer_type(ggml.backend))
        if not ggml.gallocr_alloc_graph(self.scratch, self.graph):
            raise MemoryError("ggml has no memory for the graph")

    def given(self, array, kind="f32"):
        """An input tensor that holds this array."""
        array = np.ascontiguousarray(array, STORED[kind])
        tensor = self.ggml.tensor(self.inputs, kind, *reversed(array.shape))
        self.values.append((tensor, array))
        return tensor

    def mask(self):
        case = self.case
        if not case["causal"] or case["kind"] == "decode":
            return None
        hidden = np.triu(np.ones((case["q_len"], case["kv_len"]), bool), case["kv_len"] - case["q_len"] + 1)
        return self.given(np.where(hidden, -np.inf, 0), "f16")

    def attend(self, q, k, v):
        scale = 1 / math.sqrt(self.case["head_dim"])
        return self.ggml.flash_attn_ext(self.nodes, q, k, v, self.mask(), scale, 0, 0)

    def run(self):
        if self.ggml.backend_graph_compute(self.ggml.backend, self.graph) != 0:
            raise RuntimeError("ggml_backend_graph_compute failed")

    def outputs(self):
        y = np.empty(self.ggml.nbytes(self.y) // 4, np.float32)
        self.ggml.backend_tensor_get(self.y, y.ctypes.data, 0, y.nbytes)
        return [y]

    def __del__(self):
        self.ggml.gallocr_free(self.scratch)
        self.ggml.backend_buffer_free(self.buffer)
        self.ggml.free(self.nodes)
        self.ggml.free(self.inputs)


class Core(Graph):
    """Attention on contiguous [B, H, T, D], the order that ggml's kernel reads fastest."""

    def build(self):
        kind = self.case["dtype"]
        q, k, v = (case_tensor(self.case, name).transpose(0, 2, 1, 3) for name in "qkv")
        return self.attend(self.given(q), self.given(k, kind), self.given(v, kind))


class Layer(Graph):
    """One projection for q, k and v, attention on views of it, W_O."""

    def build(self):
        case, ggml = self.case, self.ggml
        x, w_qkv, b_qkv, w_o, b_o = (self.given(case_tensor(case, n)) for n in ("x", "w_qkv", "b_qkv", "w_o", "b_o"))
        qkv = ggml.add(self.nodes, ggml.mul_mat(self.nodes, w_qkv, x), b_qkv)
        z = self.attend(*(self.heads(qkv, i) for i in range(3)))
        width = case["n_heads"] * case["head_dim"]
        z = ggml.reshape_3d(self.nodes, z, width, case["q_len"], case["batch"])
        return ggml.add(self.nodes, ggml.mul_mat(self.nodes, w_o, z), b_o)

    def heads(self, qkv, part):
        """A third of the projection as [D, T, H, B], extents innermost first, without a copy."""
        batch, length, heads, dim = (self.case[n] for n in ("batch", "q_len", "n_heads", "head_dim"))
        row = 3 * heads * dim * 4
        view = self.ggml.view_4d(self.nodes, qkv, dim, heads, length, batch, dim * 4, row, row * length,
                                 part * heads * dim * 4)
        return self.ggml.permute(self.nodes, view, 0, 2, 1, 3)


def maker(ggml):
    def make(case, _variant):
        if case["kind"] in ("train", "core_train"):
            raise Skip("ggml's flash attention has no backward pass")
        return (Layer if case["kind"] == "layer" else Core)(ggml, case)
    return make


def start():
    try:
        ggml = Ggml(int(os.environ["OMP_NUM_THREADS"]))
    except Skip as why:
        return {"error": str(why)}, None
    return {"peer": "ggml", "version": ggml.version().decode(), "variants": ["flash"]}, maker(ggml)


if __name__ == "__main__":
    serve(*start())
