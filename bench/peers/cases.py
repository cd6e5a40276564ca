"""The cases of bench/compare, and how much useful work each holds."""


def case(kind, q_len, heads, head_dim, **more):
    found = {"kind": kind, "batch": 1, "q_len": q_len, "kv_len": q_len, "n_heads": heads,
             "n_kv_heads": heads, "head_dim": head_dim, "causal": False, "dtype": "f32"}
    return found | more


def decode(kv_len, heads, n_kv_heads, head_dim, **more):
    return case("decode", 1, heads, head_dim, kv_len=kv_len, n_kv_heads=n_kv_heads, **more)


# Bytes of an element in each storage that a case may have.
BYTES = {"f32": 4, "bf16": 2, "f16": 2}

QUICK = [
    case("core", 512, 8, 64),
    case("core", 2048, 8, 64),
    case("core", 2048, 8, 64, causal=True),
    case("layer", 128, 8, 64),
    case("layer", 512, 12, 64),
    case("decode", 1, 8, 64, kv_len=4096),
    case("core_train", 512, 8, 64),
]

ALL = [
    *(case("core", t, 8, 64) for t in (1, 16, 64, 512, 2048, 8192)),
    case("core", 2048, 4, 128),
    case("core", 2048, 8, 64, causal=True),
    case("core", 2048, 4, 128, causal=True),
    case("core", 2048, 8, 64, dtype="bf16"),
    *(case("layer", t, 8, 64) for t in (1, 16, 64, 128, 512)),
    case("layer", 128, 8, 64, batch=8),
    case("layer", 2048, 8, 64),
    case("layer", 8192, 8, 64),
    case("layer", 512, 12, 64),
    case("layer", 1024, 12, 64),
    case("layer", 1024, 12, 64, causal=True),
    case("layer", 512, 32, 128),
    decode(4096, 8, 8, 64),
    decode(32768, 8, 8, 64),
    decode(4096, 32, 8, 128),
    decode(4096, 32, 8, 128, dtype="bf16"),
    decode(32768, 32, 8, 128, dtype="bf16"),
    case("core_train", 512, 8, 64),
    case("core_train", 2048, 8, 64),
    case("core_train", 2048, 8, 64, causal=True),
    case("train", 128, 8, 64, batch=8),
    case("train", 1024, 12, 64),
]


def name_of(c):
    """core/1x2048/8x64/causal/bf16: kind, batch x length, heads x head_dim; fp32 goes without saying."""
    length = c["kv_len"]
    heads = f"{c['n_heads']}x{c['head_dim']}"
    if c["n_kv_heads"] != c["n_heads"]:
        heads = f"{c['n_heads']}:{c['n_kv_heads']}x{c['head_dim']}"
    return f"{c['kind']}/{c['batch']}x{length}/{heads}" + "/causal" * c["causal"] + f"/{c['dtype']}" * (c["dtype"] != "f32")


def useful_flops(c):
    """4 head_dim for each attended pair, 8 d_model^2 for each row of a layer; a backward pass is counted
    as twice its forward pass, whatever it computes again."""
    tq, tkv = c["q_len"], c["kv_len"]
    pairs = tq * tkv if not c["causal"] else tq * (tq + 1) // 2 + tq * (tkv - tq)
    flops = c["batch"] * c["n_heads"] * pairs * 4 * c["head_dim"]
    if c["kind"] in ("layer", "train"):
        flops += 8 * c["batch"] * tq * (c["n_heads"] * c["head_dim"]) ** 2
    return flops * (3 if c["kind"] in ("train", "core_train") else 1)


def cache_bytes(c):
    """What one decode has to read: every key and every value once."""
    return 2 * BYTES[c["dtype"]] * c["batch"] * c["kv_len"] * c["n_kv_heads"] * c["head_dim"]
