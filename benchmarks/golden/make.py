#!/usr/bin/env python3
"""Golden checkpoints from the independent reference beside this file; needs Python 3 with numpy.

  make.py check DIR...        compares the reference with each DIR/expected.json
  make.py write OUT [NAME...] writes random checkpoints of unusual shapes with what they must give

Test with: ./mvnw test -pl plugin -Dtest=GoldenCheckpointTest -Dtilekv.golden.dir=OUT
"""

import json
import math
import os
import struct
import sys

import numpy as np

from reference import Model, beam_search, greedy

GREEDY_TOKENS, BEAM_TOKENS, BEAMS = 48, 24, 4
PROMPT_LENGTHS = [2, 7, 16, 17, 65, 130]
# Closer calls than these may fall either way in float32.
LEAST_MARGIN, LEAST_GAP = 2e-3, 2e-4

LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}


def spec(kind, hidden, heads, kv_heads, dtype="BF16", shards=1, eos=1, drop=(), **more):
    """One checkpoint: architecture, shape, how its weights are stored, more keys of config.json."""
    config = {
        "architectures": [kind + "ForCausalLM"], "model_type": kind.lower(), "hidden_act": "silu",
        "hidden_size": hidden, "intermediate_size": hidden + 11, "num_hidden_layers": 3,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": 160,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "bos_token_id": 0, "eos_token_id": eos,
        "tie_word_embeddings": False, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}
    config.update(more)
    for key in drop:
        del config[key]
    return {"config": config, "dtype": dtype, "shards": shards}


SPECS = {
    "llama-3-heads": spec("Llama", 48, 3, 3, head_dim=16),
    "llama-9q-3kv-biases-shards": spec(
        "Llama", 56, 9, 3, shards=3, eos=[1, 5, 7], attention_bias=True, mlp_bias=True, head_dim=8),
    "llama-7q-1kv-odd-sizes": spec(
        "Llama", 70, 7, 1, vocab_size=157, intermediate_size=91, head_dim=10, tie_word_embeddings=True),
    "llama-d80": spec("Llama", 80, 3, 1, head_dim=80, eos=[2, 1]),
    "llama-d128-f32": spec("Llama", 64, 2, 1, dtype="F32", head_dim=128, attention_bias=True),
    "llama-f16-linear-old-form": spec(
        "Llama", 64, 4, 1, dtype="F16", drop=["rope_parameters"], rope_theta=5000.0,
        rope_scaling={"type": "linear", "factor": 2.0}, torch_dtype="float16"),
    "llama-llama3-rope-old-form": spec(
        "Llama", 60, 5, 5, drop=["rope_parameters"], rope_theta=500000.0, rope_scaling=LLAMA3,
        head_dim=None, torch_dtype="bfloat16", tie_word_embeddings=True),
    "llama-llama3-rope-new-form": spec(
        "Llama", 64, 6, 2, head_dim=24, mlp_bias=True,
        rope_parameters=dict(LLAMA3, rope_theta=500000.0)),
    "llama-mixed-dtypes": spec("Llama", 48, 4, 4, dtype="MIXED", head_dim=12, shards=2),
    "llama-no-kv-key": spec("Llama", 48, 4, 4, drop=["num_key_value_heads"]),
    "mistral-no-head-dim": spec("Mistral", 240, 3, 1, shards=2, sliding_window=20),
    "mistral-5-heads-no-window": spec(
        "Mistral", 60, 5, 1, head_dim=16, sliding_window=None, eos=[1, 3], drop=["rope_parameters"],
        rope_theta=1000000.0),
    "mistral-window-1": spec("Mistral", 48, 3, 3, head_dim=16, sliding_window=1),
    "qwen2-partial-window": spec(
        "Qwen2", 50, 5, 1, use_sliding_window=True, sliding_window=20, max_window_layers=1,
        drop=["rope_parameters"], rope_theta=1000000.0, torch_dtype="bfloat16"),
    "qwen2-layer-types": spec(
        "Qwen2", 56, 7, 7, use_sliding_window=True, sliding_window=9, max_window_layers=2,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        tie_word_embeddings=True),
    "qwen2-window-unused": spec(
        "Qwen2", 48, 6, 2, use_sliding_window=False, sliding_window=8, max_window_layers=0),
    "qwen2-d128": spec("Qwen2", 256, 2, 1, shards=2, eos=[1, 2, 3, 4]),
    "qwen3-d48-biases": spec("Qwen3", 50, 3, 1, head_dim=48, attention_bias=True),
    "qwen3-d128-default-window": spec(
        "Qwen3", 40, 2, 2, use_sliding_window=True, sliding_window=17, max_window_layers=2),
    "qwen3-d80-tied": spec("Qwen3", 64, 4, 2, head_dim=80, tie_word_embeddings=True, eos=[9]),
}


def shapes(config):
    """Tensor shapes of a checkpoint, by name."""
    kind = config["model_type"]
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    dim = config.get("head_dim") or hidden // heads
    if kind == "qwen3" and "head_dim" not in config:
        dim = 128
    qkv_bias = kind == "qwen2" or config.get("attention_bias", False)
    projections = {
        "self_attn.q_proj": (heads * dim, hidden, qkv_bias),
        "self_attn.k_proj": (kv_heads * dim, hidden, qkv_bias),
        "self_attn.v_proj": (kv_heads * dim, hidden, qkv_bias),
        "self_attn.o_proj": (hidden, heads * dim, config.get("attention_bias", False)),
        "mlp.gate_proj": (inner, hidden, config.get("mlp_bias", False)),
        "mlp.up_proj": (inner, hidden, config.get("mlp_bias", False)),
        "mlp.down_proj": (hidden, inner, config.get("mlp_bias", False)),
    }
    result = {"model.embed_tokens.weight": (config["vocab_size"], hidden)}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, (outputs, inputs, bias) in projections.items():
            result[at + name + ".weight"] = (outputs, inputs)
            if bias:
                result[at + name + ".bias"] = (outputs,)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            result[at + norm + ".weight"] = (hidden,)
        if kind == "qwen3":
            result[at + "self_attn.q_norm.weight"] = (dim,)
            result[at + "self_attn.k_norm.weight"] = (dim,)
    result["model.norm.weight"] = (hidden,)
    if not config["tie_word_embeddings"]:
        result["lm_head.weight"] = (config["vocab_size"], hidden)
    return result


def random_weights(config, rng):
    weights = {}
    for name, shape in shapes(config).items():
        if "norm" in name:
            value = 1 + 0.2 * rng.standard_normal(shape)
        elif name.endswith(".bias"):
            value = 0.3 * rng.standard_normal(shape)
        elif "embed" in name or "lm_head" in name:
            value = rng.standard_normal(shape) * (0.5 if config["tie_word_embeddings"] else 1)
            value *= 1 if "embed" in name else 2.5 / math.sqrt(shape[1])
        else:
            value = rng.standard_normal(shape) * 1.3 / math.sqrt(shape[1])
        weights[name] = value.astype(np.float32)
    return weights


def encode(values, dtype):
    if dtype == "BF16":
        bits = values.view(np.uint32).astype(np.uint64)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def write_safetensors(path, weights, dtype_of):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, values in weights.items():
        blob = encode(values, dtype_of(name))
        header[name] = {"dtype": dtype_of(name), "shape": list(values.shape),
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_weights(folder, weights, dtype, shards):
    def dtype_of(name):
        if dtype != "MIXED":
            return dtype
        return "F32" if "norm" in name or "k_proj" in name else "F16" if "down" in name else "BF16"

    if shards == 1:
        write_safetensors(os.path.join(folder, "model.safetensors"), weights, dtype_of)
        return
    names, places = list(weights), {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        # Every shards-th tensor: a projection and its bias, q, k and v lie in different files.
        part = {name: weights[name] for name in names[shard::shards]}
        write_safetensors(os.path.join(folder, file), part, dtype_of)
        places.update((name, file) for name in part)
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {}, "weight_map": places}, file)


def write(out, name):
    entry = SPECS[name]
    config = entry["config"]
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(sum(name.encode()))
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    write_weights(folder, random_weights(config, rng), entry["dtype"], entry["shards"])
    exact, single = Model(folder), Model(folder, np.float32)
    cases = [make_case(exact, single, rng, length, config) for length in PROMPT_LENGTHS]
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump({"generator": "benchmarks/golden, float64", "cases": cases}, file)
    print(f"{name}: {len(cases)} cases, greedy lengths {[len(c['greedy']) for c in cases]}, beam lengths "
          f"{[len(b) for c in cases for b in c['beam4']]}", flush=True)


def make_case(exact, single, rng, length, config):
    """A prompt whose answers do not hang on a rounding error: float32 and float64 agree on it."""
    eos = config["eos_token_id"] if isinstance(config["eos_token_id"], list) else [config["eos_token_id"]]
    while True:
        prompt = [0] + rng.integers(10, config["vocab_size"], length - 1).tolist()
        tokens, logits, margin = greedy(exact, prompt, GREEDY_TOKENS, eos)
        if margin < LEAST_MARGIN or greedy(single, prompt, GREEDY_TOKENS, eos)[0] != tokens:
            continue
        beams, gap = beam_search(exact, prompt, BEAMS, BEAM_TOKENS, eos)
        others, _ = beam_search(single, prompt, BEAMS, BEAM_TOKENS, eos)
        if gap < LEAST_GAP or [b[1] for b in beams] != [b[1] for b in others]:
            continue
        return {
            "prompt": prompt, "last_logits": [round(float(x), 5) for x in logits], "greedy": tokens,
            "greedy_min_margin": round(margin, 5), "beam4": [tokens for _, tokens in beams],
            "beam4_scores": [round(score, 5) for score, _ in beams]}


def eos_of(folder):
    for file in ("generation_config.json", "config.json"):
        path = os.path.join(folder, file)
        if os.path.exists(path):
            with open(path) as text:
                eos = json.load(text).get("eos_token_id")
            if eos is not None:
                return eos if isinstance(eos, list) else [eos]
    return []


def check(folder):
    with open(os.path.join(folder, "expected.json")) as file:
        cases = json.load(file)["cases"]
    model, eos = Model(folder), eos_of(folder)
    worst = worst_score = 0.0
    for case in cases:
        tokens, logits, _ = greedy(model, case["prompt"], GREEDY_TOKENS, eos)
        worst = max(worst, float(np.max(np.abs(logits - np.array(case["last_logits"])))))
        beams, _ = beam_search(model, case["prompt"], BEAMS, BEAM_TOKENS, eos)
        found = [t + [eos[0]] * (len(b) - len(t)) for (_, t), b in zip(beams, case["beam4"])]
        assert tokens == case["greedy"], (folder, case["prompt"], tokens)
        assert found == case["beam4"], (folder, case["prompt"], found)
        worst_score = max([worst_score] + [abs(s - e) for (s, _), e in zip(beams, case["beam4_scores"])])
    print(f"{folder}: {len(cases)} cases, greedy and beams equal, logits within {worst:.1e}, "
          f"beam scores within {worst_score:.1e}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__)
    if sys.argv[1] == "check":
        for folder in sys.argv[2:]:
            check(folder.rstrip("/"))
    else:
        for name in sys.argv[3:] or SPECS:
            write(sys.argv[2], name)
