#!/usr/bin/env python3
"""Trains one model twice, here and in PyTorch, and compares losses and speed.

usage: train_torch.py [--settings F] [--data FILE...] [--threads N] [--round STEPS] [--program PATH]

Both sides start from the same weights and see the same examples in the same order; they take turns, --round steps
at a time, in two processes that stay. PyTorch gets what a careful user writes: one fused projection for q, k and v,
scaled_dot_product_attention, logits at asked positions only, fused AdamW, sequences of a pass padded to the longest
of it and sorted by length beforehand, so that passes hold sequences of like length.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

SETTINGS = {  # the model of text-bert with the text's sequences: fixed lengths, so that nobody pads
    "model": {"architectures": ["BertForMaskedLM"], "model_type": "bert", "num_hidden_layers": 4,
              "num_attention_heads": 8, "hidden_size": 128, "intermediate_size": 512, "max_position_embeddings": 64},
    "data": {"kind": "text", "vocab_size": 2048},
    "steps": 200, "sequences": 64, "micro_batches": 4, "learning_rate": 0.001, "warmup": 20}
IGNORED = -1


def gelu(config):
    name = config.get("activation_function", config.get("hidden_act", "gelu"))
    return lambda x: F.gelu(x, approximate="tanh" if name == "gelu_new" else "none")


class Model:
    """BERT with its head for masked tokens, or GPT-2, on a folder's weights."""

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.bert = self.config["model_type"] == "bert"
        stored = load_file(folder / "model.safetensors")
        self.w = {name: tensor.clone().requires_grad_() for name, tensor in stored.items()}
        self.act = gelu(self.config)
        self.heads = self.config["num_attention_heads" if self.bert else "n_head"]
        self.layers = self.config["num_hidden_layers" if self.bert else "n_layer"]

    def norm(self, x, name):
        eps = self.config.get("layer_norm_eps", 1e-12) if self.bert else self.config.get("layer_norm_epsilon", 1e-5)
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], eps)

    def linear(self, x, name):
        weight, bias = self.w[name + ".weight"], self.w[name + ".bias"]
        return F.linear(x, weight, bias) if self.bert or "lm_head" in name else torch.addmm(
            bias, x.reshape(-1, x.shape[-1]), weight).view(*x.shape[:-1], -1)

    def attend(self, qkv, mask):
        batch, length, width = qkv.shape
        q, k, v = qkv.view(batch, length, 3, self.heads, width // 3 // self.heads).permute(2, 0, 3, 1, 4)
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=not self.bert)
        return z.transpose(1, 2).reshape(batch, length, width // 3)

    def bert_block(self, x, p, mask):
        names = [f"{p}attention.self.{part}" for part in ("query", "key", "value")]
        weight = torch.cat([self.w[n + ".weight"] for n in names])
        bias = torch.cat([self.w[n + ".bias"] for n in names])
        z = self.attend(F.linear(x, weight, bias), mask)
        x = self.norm(x + self.linear(z, p + "attention.output.dense"), p + "attention.output.LayerNorm")
        up = self.act(self.linear(x, p + "intermediate.dense"))
        return self.norm(x + self.linear(up, p + "output.dense"), p + "output.LayerNorm")

    def gpt2_block(self, x, p, mask):
        x = x + self.linear(self.attend(self.linear(self.norm(x, p + "ln_1"), p + "attn.c_attn"), mask),
                            p + "attn.c_proj")
        return x + self.linear(self.act(self.linear(self.norm(x, p + "ln_2"), p + "mlp.c_fc")), p + "mlp.c_proj")

    def loss(self, ids, targets, mask):
        """Sum over the targets."""
        w = self.w
        position = torch.arange(ids.shape[1])
        if self.bert:
            e = "bert.embeddings."
            table = w[e + "word_embeddings.weight"]
            x = F.embedding(ids, table) + w[e + "position_embeddings.weight"][position]
            x = self.norm(x + w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
            for l in range(self.layers):
                x = self.bert_block(x, f"bert.encoder.layer.{l}.", mask)
        else:
            table = w["transformer.wte.weight"]
            x = F.embedding(ids, table) + w["transformer.wpe.weight"][position]
            for l in range(self.layers):
                x = self.gpt2_block(x, f"transformer.h.{l}.", mask)
            x = self.norm(x, "transformer.ln_f")
        asked = targets != IGNORED
        x = x[asked]
        if self.bert:
            h = "cls.predictions."
            x = self.norm(self.act(self.linear(x, h + "transform.dense")), h + "transform.LayerNorm")
            logits = F.linear(x, table, w[h + "bias"])
        else:
            logits = F.linear(x, w.get("lm_head.weight", table))
        return F.cross_entropy(logits, targets[asked], reduction="sum")


def rate(settings, step):
    warmup, steps = settings.get("warmup", 100), settings["steps"]
    if step < warmup:
        return settings["learning_rate"] * (step + 1) / warmup
    floor = settings.get("final_learning_rate", 0.1)
    done = min(1, (step - warmup) / max(steps - warmup, 1))
    return settings["learning_rate"] * (floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2)


class Torch:
    """The run in PyTorch."""

    def __init__(self, settings, folder):
        self.settings, self.model, self.step = settings, Model(folder), 0
        decays = [p for p in self.model.w.values() if p.dim() == 2]
        others = [p for p in self.model.w.values() if p.dim() != 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": decays, "weight_decay": settings.get("weight_decay", 0.01)},
             {"params": others, "weight_decay": 0}],
            betas=(settings.get("beta1", 0.9), settings.get("beta2", 0.98)), eps=settings.get("epsilon", 1e-8),
            fused=True)
        data = load_file(folder / "examples.safetensors")
        lengths = data["lengths"].tolist()
        self.ids, self.targets = data["ids"].split(lengths), data["targets"].split(lengths)

    def batches(self):
        n, parts = self.settings["sequences"], self.settings.get("micro_batches", 1)
        size = -(-n // parts)
        order = sorted(range(self.step * n, (self.step + 1) * n), key=lambda i: len(self.ids[i]))
        for first in range(0, n, size):
            chosen = order[first:first + size]
            pad = torch.nn.utils.rnn.pad_sequence
            ids = pad([self.ids[i] for i in chosen], batch_first=True)
            targets = pad([self.targets[i] for i in chosen], batch_first=True, padding_value=IGNORED)
            lengths = torch.tensor([len(self.ids[i]) for i in chosen])
            mask = None
            if self.model.bert and lengths.min() < ids.shape[1]:
                mask = (torch.arange(ids.shape[1])[None] < lengths[:, None])[:, None, None]
            yield ids, targets, mask, int(lengths.sum())

    def train(self, steps):
        losses, tokens = [], 0
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            batches = list(self.batches())
            asked = sum(int((b[1] != IGNORED).sum()) for b in batches)
            self.optimizer.zero_grad(set_to_none=True)
            total = 0.0
            for ids, targets, mask, n in batches:
                loss = self.model.loss(ids, targets, mask) / asked
                loss.backward()
                total, tokens = total + loss.item(), tokens + n
            torch.nn.utils.clip_grad_norm_(self.model.w.values(), self.settings.get("clip", 1) or math.inf)
            for group in self.optimizer.param_groups:
                group["lr"] = rate(self.settings, self.step)
            self.optimizer.step()
            self.step += 1
            losses.append(total)
        return {"losses": losses, "tokens": tokens, "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu}


class Ours:
    """bench_training in a process of its own."""

    def __init__(self, program, settings_file, folder, data, threads):
        self.process = subprocess.Popen(
            [program, settings_file, folder, *data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"HEADLIGHT_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"})
        self.parameters = json.loads(self.process.stdout.readline())["parameters"]

    def train(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def report(settings, parameters, threads, rounds):
    ours, torchs = [r[0] for r in rounds], [r[1] for r in rounds]
    a = [x for r in ours for x in r["losses"]]
    b = [x for r in torchs for x in r["losses"]]
    worst = max(abs(x - y) / y for x, y in zip(a, b))
    print(f"{settings['model']['model_type']}, {parameters} parameters, {len(a)} steps of {settings['sequences']} "
          f"sequences, {threads} threads, PyTorch {torch.__version__}")
    print(f"loss at the last step: {a[-1]:.5f} here, {b[-1]:.5f} in PyTorch; largest difference of any step "
          f"{100 * worst:.4f} %")
    for clock in ("wall", "cpu"):
        speed = [statistics.median(r["tokens"] / r[clock] for r in side) for side in (ours, torchs)]
        ratio = statistics.median(y[clock] / y["tokens"] / (x[clock] / x["tokens"]) for x, y in zip(ours, torchs))
        print(f"tokens/s by {clock} time: {speed[0]:.0f} here, {speed[1]:.0f} in PyTorch; ratio {ratio:.2f}")
    return 0 if worst < 0.01 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", help="JSON file; default: a BERT of 4 layers, d_model 128")
    parser.add_argument("--data", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--round", type=int, default=10)
    parser.add_argument("--program", default="build/release/bench_training")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    settings = json.loads(pathlib.Path(args.settings).read_text()) if args.settings else SETTINGS
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "settings.json").write_text(json.dumps(settings))
        ours = Ours(args.program, folder / "settings.json", folder, args.data, args.threads)
        peer = Torch(settings, folder)
        rounds = [(ours.train(args.round), peer.train(args.round)) for _ in range(settings["steps"] // args.round)]
    return report(settings, ours.parameters, args.threads, rounds[1:] if len(rounds) > 2 else rounds)


if __name__ == "__main__":
    raise SystemExit(main())
