"""Forward pass, greedy decoding and beam search of Llama, Mistral, Qwen2 and Qwen3 in numpy.

Written from the published definition of the models, as plainly as possible, and sharing nothing with the
plugin: it says what the golden checkpoints must give. Weights are taken as stored and widened to float64.
"""

import json
import math
import os
import struct

import numpy as np


def load_tensors(folder):
    """All tensors of a folder's safetensors files, by name, as float64."""
    tensors = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            tensors.update(_read_safetensors(os.path.join(folder, name)))
    return tensors


def _read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        tensors[name] = _widen(raw, entry["dtype"]).reshape(entry["shape"])
    return tensors


def _widen(raw, dtype):
    if dtype == "BF16":
        bits = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).astype(np.float64)
    return np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[dtype]).astype(np.float64)


class Model:
    """One checkpoint. Attributes of its configuration have the defaults of the transformers library."""

    def __init__(self, folder, dtype=np.float64):
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        self.dtype = dtype
        self.w = {name: t.astype(dtype) for name, t in load_tensors(folder).items()}
        self.kind = config["architectures"][0].removesuffix("ForCausalLM")
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        kv_heads = config.get("num_key_value_heads")
        self.kv_heads = self.heads if kv_heads is None else kv_heads
        self.dim = self._head_dim(config)
        self.eps = config.get("rms_norm_eps", 1e-6)
        self.frequencies = self._frequencies(config)
        self.windows = [self._window(config, layer) for layer in range(self.layers)]
        self.tied = config.get("tie_word_embeddings", False)

    def _head_dim(self, config):
        if self.kind == "Qwen3" and "head_dim" not in config:
            return 128
        return config.get("head_dim") or config["hidden_size"] // self.heads

    def _frequencies(self, config):
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        theta = rope.get("rope_theta", config.get("rope_theta", 10000.0))
        kind = rope.get("rope_type", rope.get("type", "default"))
        even = np.arange(0, self.dim, 2, dtype=np.float64)
        plain = theta ** (-even / self.dim)
        if kind == "default":
            return plain
        if kind == "linear":
            return plain / rope["factor"]
        assert kind == "llama3", kind
        context = rope["original_max_position_embeddings"]
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        result = []
        for f in plain:
            turns = context * f / (2 * math.pi)
            share = min(1.0, max(0.0, (turns - low) / (high - low)))
            result.append((1 - share) * f / rope["factor"] + share * f)
        return np.array(result)

    def _window(self, config, layer):
        """Positions that a token of a layer sees, itself included; None for all."""
        if self.kind == "Llama":
            return None
        if self.kind == "Mistral":
            return config.get("sliding_window", 4096)
        if not config.get("use_sliding_window", False):
            return None
        types = config.get("layer_types")
        if types is not None:
            slides = types[layer] == "sliding_attention"
        else:
            slides = layer >= config.get("max_window_layers", 28)
        return config.get("sliding_window", 4096) if slides else None

    def _linear(self, x, name):
        y = x @ self.w[name + ".weight"].T
        bias = self.w.get(name + ".bias")
        return y if bias is None else y + bias

    def _norm(self, x, name):
        mean = np.mean(x * x, axis=-1, keepdims=True)
        return x / np.sqrt(mean + self.eps) * self.w[name]

    def _rotate(self, x, positions):
        """x: [beams, tokens, heads, dim]."""
        angles = positions[:, None] * self.frequencies[None, :]
        cos = np.cos(angles).astype(self.dtype)[None, :, None, :]
        sin = np.sin(angles).astype(self.dtype)[None, :, None, :]
        half = self.dim // 2
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

    def logits(self, tokens, past=None):
        """Logits of each row's last token, and the past of all of them for the next call.

        tokens: [beams, new tokens]; past: per layer (K, V), each [beams, kv heads, tokens, dim].
        """
        tokens = np.asarray(tokens)
        start = 0 if past is None else past[0][0].shape[2]
        positions = np.arange(start, start + tokens.shape[1])
        x = self.w["model.embed_tokens.weight"][tokens]
        now = []
        for layer in range(self.layers):
            at = f"model.layers.{layer}."
            mixed, kv = self._attend(
                self._norm(x, at + "input_layernorm.weight"),
                at + "self_attn.", positions, None if past is None else past[layer], self.windows[layer])
            now.append(kv)
            x = x + mixed
            h = self._norm(x, at + "post_attention_layernorm.weight")
            gate = self._linear(h, at + "mlp.gate_proj")
            h = gate / (1 + np.exp(-gate)) * self._linear(h, at + "mlp.up_proj")
            x = x + self._linear(h, at + "mlp.down_proj")
        last = self._norm(x[:, -1], "model.norm.weight")
        head = "model.embed_tokens" if self.tied else "lm_head"
        return last @ self.w[head + ".weight"].T, now

    def _attend(self, h, at, positions, past, window):
        beams, count, _ = h.shape
        q = self._linear(h, at + "q_proj").reshape(beams, count, self.heads, self.dim)
        k = self._linear(h, at + "k_proj").reshape(beams, count, self.kv_heads, self.dim)
        v = self._linear(h, at + "v_proj").reshape(beams, count, self.kv_heads, self.dim)
        if self.kind == "Qwen3":
            q = self._norm(q, at + "q_norm.weight")
            k = self._norm(k, at + "k_norm.weight")
        q = self._rotate(q, positions).transpose(0, 2, 1, 3)
        k = self._rotate(k, positions).transpose(0, 2, 1, 3)
        v = v.transpose(0, 2, 1, 3)
        if past is not None:
            k = np.concatenate([past[0], k], axis=2)
            v = np.concatenate([past[1], v], axis=2)
        group = self.heads // self.kv_heads
        scores = q @ np.repeat(k, group, axis=1).transpose(0, 1, 3, 2) / math.sqrt(self.dim)
        distance = positions[:, None] - np.arange(k.shape[2])[None, :]
        hidden = distance < 0
        if window is not None:
            hidden |= distance >= window
        scores = np.where(hidden, -np.inf, scores)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ np.repeat(v, group, axis=1)).transpose(0, 2, 1, 3)
        return self._linear(mixed.reshape(beams, count, -1), at + "o_proj"), (k, v)


def greedy(model, prompt, count, eos):
    """Tokens, logits behind the prompt, and the smallest gap between first and second logit."""
    logits, past = model.logits([prompt])
    first = logits[0]
    tokens, margin = [], math.inf
    while True:
        top = np.sort(logits[0])[-2:]
        margin = min(margin, float(top[1] - top[0]))
        tokens.append(int(np.argmax(logits[0])))
        if tokens[-1] in eos or len(tokens) == count:
            return tokens, first, margin
        logits, past = model.logits([[tokens[-1]]], past)


def beam_search(model, prompt, beams, count, eos, penalty=1.0):
    """Finished beams as (score, tokens), best first, early stopping off, and the smallest gap that
    decided which candidates were kept."""
    keep = max(2, 1 + len(eos)) * beams
    running = [(0.0, [])]
    logits, past = model.logits([prompt])
    finished, gap = [], math.inf
    for length in range(1, count + 1):
        shifted = logits - logits.max(axis=-1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        totals = np.array([score for score, _ in running])[:, None] + log_probs
        order = np.argsort(-totals, axis=None, kind="stable")[: keep + 1]
        flat = totals.reshape(-1)[order]
        gap = min(gap, float(np.min(flat[:-1] - flat[1:])))
        candidates = []
        for score, index in list(zip(flat, order))[:keep]:
            row, token = divmod(int(index), totals.shape[1])
            candidates.append((float(score), row, running[row][1] + [token]))
        ends = [length == count or tokens[-1] in eos for _, _, tokens in candidates]
        for (score, _, tokens), end in list(zip(candidates, ends))[:beams]:
            if end:
                finished.append((score / length**penalty, tokens))
        finished = sorted(finished, key=lambda f: -f[0])
        if len(finished) > beams:
            gap = min(gap, finished[beams - 1][0] - finished[beams][0])
        finished = finished[:beams]
        going_on = [c for c, end in zip(candidates, ends) if not end][:beams]
        if not going_on:
            break
        running = [(score, tokens) for score, _, tokens in going_on]
        if len(finished) == beams:
            best = running[0][0] / length**penalty
            gap = min(gap, abs(best - finished[-1][0]))
            if best <= finished[-1][0]:
                break
        rows = [row for _, row, _ in going_on]
        past = [(k[rows], v[rows]) for k, v in past]
        logits, past = model.logits([[tokens[-1]] for _, tokens in running], past)
    return finished, gap
