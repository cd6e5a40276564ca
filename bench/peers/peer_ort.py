#!/usr/bin/env python3
"""ONNX Runtime's CPU provider as a worker of bench/compare (protocol.py).

mha        com.microsoft.MultiHeadAttention after three projections
gqa        com.microsoft.GroupQueryAttention, always causal; a decode appends to a cache it shares in place
attention  Attention of ai.onnx, opset 23
packed     com.microsoft.Attention, which holds the fused projection itself; layers only

Inputs and outputs are bound once, so that a call is the graph and nothing else; weights are initialisers, so
that the runtime may prepack them.
"""
import os

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from protocol import Skip, case_tensor, serve

CONTRIB = "com.microsoft"


class Graph:
    """Nodes, weights, inputs and outputs on their way to a model."""

    def __init__(self):
        self.nodes, self.weights, self.feeds, self.results = [], [], {}, {}
        self.shared = {}  # output name -> the input whose buffer it also is

    def node(self, op, inputs, outputs, domain="", **attributes):
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))

    def linear(self, x, y, weight, bias):
        """y = x W^T + b with PyTorch's [out, in] weight."""
        self.weight(y + "_w", weight.T)
        self.weight(y + "_b", bias)
        self.node("MatMul", [x, y + "_w"], [y + "_product"])
        self.node("Add", [y + "_product", y + "_b"], [y])

    def model(self):
        def info(name, array):
            return helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

        outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in self.results.items()]
        outputs += [info(n, self.feeds[i]) for n, i in self.shared.items()]
        graph = helper.make_graph(self.nodes, "case", [info(n, a) for n, a in self.feeds.items()],
                                  outputs, self.weights)
        opsets = [helper.make_opsetid("", 23), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


class Session:
    """A model with its inputs and outputs bound."""

    def __init__(self, graph, transposed=False):
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = ort.InferenceSession(graph.model().SerializeToString(), options,
                                            providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        values = {n: ort.OrtValue.ortvalue_from_numpy(a) for n, a in graph.feeds.items()}
        for name, value in values.items():
            self.binding.bind_ortvalue_input(name, value)
        self.results = []
        for name, shape in graph.results.items():
            self.results.append(ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32))
            self.binding.bind_ortvalue_output(name, self.results[-1])
        for name, source in graph.shared.items():
            self.binding.bind_ortvalue_output(name, values[source])
        self.values, self.transposed = values, transposed

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        found = [value.numpy() for value in self.results]
        return [y.transpose(0, 2, 1, 3) for y in found] if self.transposed else found


def heads_first(array):
    return np.ascontiguousarray(array.transpose(0, 2, 1, 3))


def flat(array):
    """[B, T, H, D] as [B, T, H * D]."""
    return array.reshape(*array.shape[:2], -1)


def core_mha(case, graph, q, k, v):
    if case["n_heads"] != case["n_kv_heads"]:
        raise Skip("MultiHeadAttention wants a key head for every query head")
    decode = case["kind"] == "decode"
    graph.feeds = {"q": flat(q), "k": heads_first(k) if decode else flat(k),
                   "v": heads_first(v) if decode else flat(v)}
    graph.node("MultiHeadAttention", ["q", "k", "v"], ["z"], CONTRIB, num_heads=case["n_heads"],
               unidirectional=int(case["causal"] and not decode))
    graph.results = {"z": flat(q).shape}
    return Session(graph)


def core_attention(case, graph, q, k, v):
    graph.feeds = {"q": heads_first(q), "k": heads_first(k), "v": heads_first(v)}
    graph.node("Attention", ["q", "k", "v"], ["z"],
               is_causal=int(case["causal"] and case["kind"] != "decode"))
    graph.results = {"z": heads_first(q).shape}
    return Session(graph, transposed=True)


def core_gqa(case, graph, q, k, v):
    """A prefill without a past, or one token appended to a cache that already holds the others."""
    batch, kv_len, n_kv_heads = case["batch"], case["kv_len"], case["n_kv_heads"]
    cache = (batch, n_kv_heads, kv_len, case["head_dim"])
    graph.weight("last", np.full(batch, kv_len - 1, np.int32))
    graph.weight("total", np.array(kv_len, np.int32))
    past = ["", ""]
    if case["kind"] == "decode":
        graph.feeds = {"q": flat(q), "k": flat(k[:, -1:]), "v": flat(v[:, -1:]),
                       "past_k": heads_first(k), "past_v": heads_first(v)}
        graph.shared = {"all_k": "past_k", "all_v": "past_v"}
        past = ["past_k", "past_v"]
    elif case["causal"]:
        graph.feeds = {"q": flat(q), "k": flat(k), "v": flat(v)}
    else:
        raise Skip("GroupQueryAttention is always causal")
    graph.node("GroupQueryAttention", ["q", "k", "v", *past, "last", "total"], ["z", "all_k", "all_v"],
               CONTRIB, num_heads=case["n_heads"], kv_num_heads=n_kv_heads)
    graph.results = {"z": flat(q).shape}
    if not graph.shared:
        graph.results |= {"all_k": cache, "all_v": cache}
    return Session(graph)


class FirstOutput:
    """Of several outputs only the first is compared; a prefill's cache is a copy of its input."""

    def __init__(self, session):
        self.session, self.run = session, session.run

    def outputs(self):
        return self.session.outputs()[:1]


def layer_attention(case, graph, variant, weight, bias):
    """Nodes from x to z [B, T, d_model]."""
    heads, width = case["n_heads"], case["n_heads"] * case["head_dim"]
    causal = int(case["causal"])
    if variant == "packed":
        graph.weight("w", weight.T)
        graph.weight("b", bias)
        graph.node("Attention", ["x", "w", "b"], ["z"], CONTRIB, num_heads=heads, unidirectional=causal)
        return
    if variant == "gqa":
        if not causal:
            raise Skip("GroupQueryAttention is always causal")
        graph.linear("x", "qkv", weight, bias)
        graph.weight("last", np.full(case["batch"], case["q_len"] - 1, np.int32))
        graph.weight("total", np.array(case["q_len"], np.int32))
        graph.node("GroupQueryAttention", ["qkv", "", "", "", "", "last", "total"], ["z", "all_k", "all_v"],
                   CONTRIB, num_heads=heads, kv_num_heads=heads)
        cache = (case["batch"], heads, case["q_len"], case["head_dim"])
        graph.results |= {"all_k": cache, "all_v": cache}
        return
    for i, name in enumerate("qkv"):
        rows = slice(i * width, (i + 1) * width)
        if variant == "mha":  # the operator adds the bias itself
            graph.weight(name + "_w", weight[rows].T)
            graph.node("MatMul", ["x", name + "_w"], [name])
        else:
            graph.linear("x", name, weight[rows], bias[rows])
    if variant == "mha":
        graph.weight("b", bias)
        graph.node("MultiHeadAttention", ["q", "k", "v", "b"], ["z"], CONTRIB, num_heads=heads,
                   unidirectional=causal)
    else:
        graph.node("Attention", ["q", "k", "v"], ["z"], q_num_heads=heads, kv_num_heads=heads,
                   is_causal=causal)


def make_layer(case, variant):
    graph = Graph()
    x = case_tensor(case, "x")
    graph.feeds, graph.results = {"x": x}, {"y": x.shape}
    layer_attention(case, graph, variant, case_tensor(case, "w_qkv"), case_tensor(case, "b_qkv"))
    graph.linear("z", "y", case_tensor(case, "w_o"), case_tensor(case, "b_o"))
    return FirstOutput(Session(graph))


def make(case, variant):
    if case["dtype"] != "f32":
        raise Skip(f"ONNX Runtime's CPU kernels for attention do not take {case['dtype']}")
    if case["kind"] in ("train", "core_train"):
        raise Skip("ONNX Runtime's inference package has no backward pass")
    if case["kind"] == "layer":
        return make_layer(case, variant)
    if variant == "packed":
        raise Skip("com.microsoft.Attention cannot be separated from its projections")
    core = {"mha": core_mha, "gqa": core_gqa, "attention": core_attention}[variant]
    return FirstOutput(core(case, Graph(), *(case_tensor(case, n) for n in "qkv")))


if __name__ == "__main__":
    serve({"peer": "ONNX Runtime", "version": ort.__version__,
           "variants": ["mha", "gqa", "attention", "packed"]}, make)
