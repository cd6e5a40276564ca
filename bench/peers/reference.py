"""What a case's outputs must be: NumPy in double on a few rows, and the error that plain fp32 makes there."""
import math

import numpy as np

from protocol import case_tensor, rounded

# A result may be this many times as far from double as textbook fp32 is, and never has to be closer than
# FLOOR of the largest value: summation order is free, wrong answers are not.
FACTOR, FLOOR = 8, 1e-5
ROWS = 6


def sampled_rows(case):
    return sorted({round(i * (case["q_len"] - 1) / (ROWS - 1)) for i in range(ROWS)})


def softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def patterns(case, q, k, rows):
    """[H, rows, Tkv] of one batch item; q [rows, H, D], k [Tkv, Hkv, D]."""
    group = case["n_heads"] // case["n_kv_heads"]
    keys = np.repeat(k.transpose(1, 2, 0), group, axis=0)
    scores = q.transpose(1, 0, 2) @ keys * q.dtype.type(1 / math.sqrt(case["head_dim"]))
    if case["causal"]:
        position = np.array(rows)[:, None] + case["kv_len"] - case["q_len"]
        scores[:, np.arange(case["kv_len"])[None] > position] = -np.inf
    return softmax(scores)


def attend(case, q, k, v, rows):
    """[rows, H, D] of one batch item."""
    group = case["n_heads"] // case["n_kv_heads"]
    values = np.repeat(v.transpose(1, 0, 2), group, axis=0)
    return (patterns(case, q, k, rows) @ values).transpose(1, 0, 2)


def core(case, dtype, rows):
    q, k, v = (case_tensor(case, n).astype(dtype) for n in "qkv")
    return np.stack([attend(case, q[b][rows], k[b], v[b], rows) for b in range(case["batch"])])


def layer(case, dtype, rows):
    x = case_tensor(case, "x").astype(dtype)
    width = x.shape[-1]
    weight, bias = case_tensor(case, "w_qkv"), case_tensor(case, "b_qkv").astype(dtype)
    parts = []
    for i in range(3):  # one third at a time: in double the weights of the widest case are large
        third = slice(i * width, (i + 1) * width)
        parts.append(x @ weight[third].T.astype(dtype) + bias[third])
    heads = (case["n_heads"], case["head_dim"])
    q, k, v = (p.reshape(*p.shape[:2], *heads) for p in parts)
    z = np.stack([attend(case, q[b][rows], k[b], v[b], rows) for b in range(case["batch"])])
    z = z.reshape(case["batch"], len(rows), width)
    return z @ case_tensor(case, "w_o").T.astype(dtype) + case_tensor(case, "b_o").astype(dtype)


def attend_backward(case, tensors, d_z):
    """Gradients of q, k and v of one batch item, head by head; [T, H, D] each, as many key heads."""
    q, k, v = tensors
    rows = list(range(case["q_len"]))
    scale = q.dtype.type(1 / math.sqrt(case["head_dim"]))
    d_q, d_k, d_v = np.empty_like(q), np.empty_like(k), np.empty_like(v)
    one = case | {"n_heads": 1, "n_kv_heads": 1}
    for h in range(case["n_heads"]):
        p = patterns(one, q[:, h:h + 1], k[:, h:h + 1], rows)[0]
        d_p = d_z[:, h] @ v[:, h].T
        d_s = p * (d_p - (p * d_p).sum(-1, keepdims=True)) * scale
        d_q[:, h], d_k[:, h], d_v[:, h] = d_s @ k[:, h], d_s.T @ q[:, h], p.T @ d_z[:, h]
    return d_q, d_k, d_v


def core_train(case, dtype, rows):
    """z, dq, dk, dv at the rows; the whole backward pass is needed for any row of dk."""
    q, k, v = (case_tensor(case, n).astype(dtype) for n in "qkv")
    d_z = case_tensor(case, "d_out").astype(dtype).reshape(q.shape)
    z = core(case, dtype, rows)
    items = [attend_backward(case, (q[b], k[b], v[b]), d_z[b]) for b in range(case["batch"])]
    return [z] + [np.stack([item[i][rows] for item in items]) for i in range(3)]


def train(case, dtype, rows):
    """y and dx at the rows; dx has gone through every projection and the whole backward pass."""
    x, d_y = (case_tensor(case, n).astype(dtype) for n in ("x", "d_out"))
    w, w_o = case_tensor(case, "w_qkv").astype(dtype), case_tensor(case, "w_o").astype(dtype)
    qkv = x @ w.T + case_tensor(case, "b_qkv").astype(dtype)
    parts = qkv.reshape(*x.shape[:2], 3, case["n_heads"], case["head_dim"])
    d_z = (d_y @ w_o).reshape(*x.shape[:2], case["n_heads"], case["head_dim"])
    d_x = []
    for b in range(case["batch"]):
        grads = attend_backward(case, parts[b].transpose(1, 0, 2, 3), d_z[b])
        d_x.append((np.stack(grads, 1).reshape(case["q_len"], -1) @ w)[rows])
    return [layer(case, dtype, rows), np.stack(d_x)]


def expected(case, dtype):
    """The sampled rows of every output, [B, rows, width] each."""
    rows = sampled_rows(case)
    make = {"core": core, "decode": core, "layer": layer, "core_train": core_train, "train": train}
    found = make[case["kind"]](case, dtype, rows)
    found = found if isinstance(found, list) else [found]
    return [y.reshape(case["batch"], len(rows), -1) for y in found]


def shapes(case):
    """[B, T, width] of every output of a case, in the order that workers save them."""
    b, tq, tkv = case["batch"], case["q_len"], case["kv_len"]
    q, k = (b, tq, case["n_heads"] * case["head_dim"]), (b, tkv, case["n_kv_heads"] * case["head_dim"])
    return {"core_train": [q, q, k, k], "train": [q, q]}.get(case["kind"], [q])


class Judge:
    """Holds a case's expected rows and how far from them its storage may be."""

    def __init__(self, case):
        self.case = case
        self.want = expected(case, np.float64)
        naive = [rounded(y, case["dtype"]) for y in expected(case, np.float32)]
        self.limits = [max(FACTOR * np.abs(n - w).max(), FLOOR * np.abs(w).max())
                       for n, w in zip(naive, self.want)]

    def check(self, path):
        """(largest difference, None), or (it, why the outputs in the file are not the case's)."""
        values = np.fromfile(path, np.float32)
        sizes = [math.prod(s) for s in shapes(self.case)]
        if values.size != sum(sizes):
            return math.inf, f"gave {values.size} values, not {sum(sizes)}"
        worst, first, why = 0.0, 0, None
        for i, (shape, size) in enumerate(zip(shapes(self.case), sizes)):
            got = values[first:first + size].reshape(shape)[:, sampled_rows(self.case)]
            first += size
            difference = float(np.nan_to_num(np.abs(got - self.want[i]), nan=np.inf).max())
            worst = max(worst, difference)
            if difference > self.limits[i]:
                why = why or f"output {i} is off by {difference:.3g}, more than {self.limits[i]:.3g}"
        return worst, why
