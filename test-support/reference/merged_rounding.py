"""How far rounding alone moves the logits of a merged model: W + alpha/r BA and the forward pass in float64.

Reads from standard input {"model": folder, "cases": [{"adapter": folder, "alpha": {layer: number}}],
"prompts": lists of ids, "continuation": count}; prints for each case {"bf16": figure, "f16": figure}.
"""
import json
import sys

import numpy as np

import ref  # of ../shared/bugs/tools
import st


def bf16(w):
    return (st.bf16(w.astype(np.float32)).astype(np.uint32) << 16).view(np.float32)


def f16(w):
    return w.astype(np.float32).astype(np.float16)


asked = json.load(sys.stdin)
config = json.load(open(asked["model"] + "/config.json"))
base = st.load(asked["model"] + "/model.safetensors")


def merged(adapter, alpha):
    pairs = st.load(adapter + "/adapter_model.safetensors")
    weights = {name: w.astype(np.float64) for name, w in base.items()}
    for name in weights:
        key = "base_model.model." + name.removesuffix(".weight") + ".lora_{}.weight"
        if key.format("A") in pairs:
            a, b = (pairs[key.format(part)].astype(np.float64) for part in "AB")
            weights[name] += alpha[name.split(".")[-2]] / len(a) * b @ a
    return weights


def figures(case):
    exact = merged(case["adapter"], case["alpha"])
    rows = [ids + ref.greedy(exact, config, ids, asked["continuation"]) for ids in asked["prompts"]]
    logits = [ref.forward(exact, config, ids) for ids in rows]

    def figure(rounded):
        weights = {name: rounded(w) for name, w in exact.items()}
        return max(np.abs(ref.forward(weights, config, ids) - want).max() for ids, want in zip(rows, logits))

    return {"bf16": figure(bf16), "f16": figure(f16)}


print(json.dumps([figures(case) for case in asked["cases"]]))
