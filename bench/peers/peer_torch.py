#!/usr/bin/env python3
"""PyTorch as a worker of bench/compare (protocol.py): scaled_dot_product_attention and nn.MultiheadAttention.

sdpa  F.scaled_dot_product_attention on contiguous [B, H, T, D]; in a layer on views of one fused projection
mha   nn.MultiheadAttention(need_weights=False): its fast path in inference, layers only
"""
import os

import torch
import torch.nn.functional as F

from protocol import Skip, case_tensor, serve


DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def tensor(case, name):
    return torch.from_numpy(case_tensor(case, name)).to(DTYPES[case["dtype"]])


def arrays(tensors):
    """What the protocol wants of outputs: NumPy, which has no bf16."""
    return [t.float().numpy() for t in tensors]


def sdpa(q, k, v, causal):
    """With one query PyTorch's is_causal would hide all keys but the first: a decode passes False."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1])


class Core:
    """Attention on q, k, v as SDPA likes them best."""

    def __init__(self, case):
        self.causal = case["causal"] and case["kind"] != "decode"
        self.q, self.k, self.v = (tensor(case, n).transpose(1, 2).contiguous() for n in "qkv")
        self.z = None

    def run(self):
        with torch.inference_mode():
            self.z = sdpa(self.q, self.k, self.v, self.causal)

    def outputs(self):
        return arrays([self.z.transpose(1, 2)])


class CoreTrain(Core):
    """The same, and its gradients."""

    def __init__(self, case):
        super().__init__(case)
        shape = (case["batch"], case["q_len"], case["n_heads"], case["head_dim"])
        self.d_z = tensor(case, "d_out").reshape(shape).transpose(1, 2).contiguous()
        for t in (self.q, self.k, self.v):
            t.requires_grad_()

    def run(self):
        for t in (self.q, self.k, self.v):
            t.grad = None
        self.z = sdpa(self.q, self.k, self.v, self.causal)
        self.z.backward(self.d_z)

    def outputs(self):
        parts = (self.z.detach(), self.q.grad, self.k.grad, self.v.grad)
        return arrays(t.transpose(1, 2) for t in parts)


class FusedLayer(torch.nn.Module):
    """One projection for q, k and v, SDPA, W_O: what a careful user writes."""

    def __init__(self, case):
        super().__init__()
        width = case["n_heads"] * case["head_dim"]
        self.n_heads, self.causal = case["n_heads"], case["causal"]
        self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.n_heads, width // self.n_heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        z = sdpa(q, k, v, self.causal)
        return self.out(z.transpose(1, 2).reshape(batch, length, width))


class ModuleLayer(torch.nn.Module):
    """nn.MultiheadAttention with itself as keys and values."""

    def __init__(self, case):
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(
            case["n_heads"] * case["head_dim"], case["n_heads"], batch_first=True)
        length = case["q_len"]
        self.mask = torch.ones(length, length, dtype=torch.bool).triu(1) if case["causal"] else None

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False, attn_mask=self.mask,
                              is_causal=self.mask is not None)[0]


def make_layer(case, variant):
    if variant == "mha":
        layer = ModuleLayer(case)
        places = (layer.attention.in_proj_weight, layer.attention.in_proj_bias,
                  layer.attention.out_proj.weight, layer.attention.out_proj.bias)
    else:
        layer = FusedLayer(case)
        places = (layer.qkv.weight, layer.qkv.bias, layer.out.weight, layer.out.bias)
    layer.to(DTYPES[case["dtype"]])
    with torch.no_grad():
        for place, name in zip(places, ("w_qkv", "b_qkv", "w_o", "b_o")):
            place.copy_(tensor(case, name))
    return layer


class Layer:
    """A layer's forward pass."""

    def __init__(self, case, variant):
        self.layer, self.x, self.y = make_layer(case, variant).eval(), tensor(case, "x"), None

    def run(self):
        with torch.inference_mode():
            self.y = self.layer(self.x)

    def outputs(self):
        return arrays([self.y])


class Train:
    """A layer's forward and backward pass: gradients of x and of every weight and bias."""

    def __init__(self, case, variant):
        self.layer = make_layer(case, variant).train()
        self.x, self.d_out, self.y = tensor(case, "x").requires_grad_(), tensor(case, "d_out"), None

    def run(self):
        self.layer.zero_grad(set_to_none=True)
        self.x.grad = None
        self.y = self.layer(self.x)
        self.y.backward(self.d_out)

    def outputs(self):
        return arrays([self.y.detach(), self.x.grad])


def make(case, variant):
    layer = case["kind"] in ("layer", "train")
    if variant == "mha" and not layer:
        raise Skip("nn.MultiheadAttention cannot be separated from its projections")
    if layer:
        return (Train if case["kind"] == "train" else Layer)(case, variant)
    return (CoreTrain if case["kind"] == "core_train" else Core)(case)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    serve({"peer": "PyTorch", "version": torch.__version__, "variants": ["sdpa", "mha"]}, make)
