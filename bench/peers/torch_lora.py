"""The rival: the same training step and greedy decoding, written plainly in PyTorch.

torch_lora.py [--device cuda] [--dtype bf16] [--tcmalloc]; bf16 is autocast, the weights stay float32.

Reads one JSON request per line on stdin and answers each with one line `@{json}` on stdout (bench/lib/peer.ts).
Weights are the frozen float32 tensors of a Hugging Face folder, read by safetensors. It is meant as a fair opponent:
fused attention and GELU, no gradients for frozen weights, AdamW over the adapter only (over all weights with
method "full").
"""
import argparse
import glob
import json
import math
import os
import sys
import time

if "--tcmalloc" in sys.argv and "LD_PRELOAD" not in os.environ:
    libraries = glob.glob("/usr/lib/*/libtcmalloc_minimal.so.4")
    if not libraries:
        sys.exit("torch_lora.py --tcmalloc: libtcmalloc_minimal.so.4 is not installed")
    os.execve(sys.executable, [sys.executable] + sys.argv, {**os.environ, "LD_PRELOAD": libraries[0]})

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

try:
    from safetensors.torch import load_file as read_safetensors
except ImportError:

    def read_safetensors(path):
        """float32 tensors only, as views of the mapped file."""
        raw = torch.from_file(path, shared=False, size=os.path.getsize(path), dtype=torch.uint8)
        length = int.from_bytes(bytes(raw[:8].tolist()), "little")
        header = json.loads(bytes(raw[8 : 8 + length].tolist()))
        body = raw[8 + length :]
        tensors = {}
        for name, info in header.items():
            if name != "__metadata__":
                begin, end = info["data_offsets"]
                tensors[name] = body[begin:end].view(torch.float32).view(info["shape"])
        return tensors


options = argparse.ArgumentParser()
options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
options.add_argument("--dtype", choices=["float32", "bf16"], default="float32")
options.add_argument("--tcmalloc", action="store_true")
OPTIONS = options.parse_args()
DEVICE = OPTIONS.device
THREADS = len(os.sched_getaffinity(0))
torch.set_num_threads(THREADS)


def load_file(path):
    return {name: tensor.to(DEVICE) for name, tensor in read_safetensors(path).items()}


def precision():
    return torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=OPTIONS.dtype == "bf16")


def synchronise():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


class Lora(torch.nn.Module):
    """(alpha/r) (x A^T) B^T with A (r, in) and B (out, r)."""

    def __init__(self, a, b, scale):
        super().__init__()
        self.a, self.b, self.scale = torch.nn.Parameter(a), torch.nn.Parameter(b), scale

    def forward(self, x):
        return F.linear(F.linear(x, self.a), self.b) * self.scale


class LoraRows:
    """Of one place, the adapter of each row of the batch: a (B, r, in), b (B, out, r)."""

    def __init__(self, pairs, scale):
        self.a, self.b, self.scale = torch.stack([a for a, _ in pairs]), torch.stack([b for _, b in pairs]), scale

    def __call__(self, x):
        return torch.bmm(torch.bmm(x, self.a.transpose(1, 2)), self.b.transpose(1, 2)) * self.scale


class Model:
    """What GPT-2 and Llama share: weights by name, adapters by place, loss, key/value cache."""

    def __init__(self, config, weights):
        self.config, self.w, self.lora = config, weights, {}
        self.recompute = False

    def adapted(self, layer, target, x, y):
        lora = self.lora.get(f"{layer}.{target}")
        return y if lora is None else y + lora(x)

    def blocks(self, x, cache, start, layers):
        """The residual stream behind all blocks; of each only its input is kept where it is to be computed again."""
        for layer in range(layers):
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(self.block, layer, x, cache, start, use_reentrant=False)
            else:
                x = self.block(layer, x, cache, start)
        return x

    def loss_by_rows(self, h, targets):
        def part(rows, of):
            return F.cross_entropy(F.linear(rows, self.head), of, ignore_index=-100, reduction="sum")

        parts = zip(h.split(HEAD_ROWS), targets.split(HEAD_ROWS))
        total = sum(checkpoint(part, rows, of, use_reentrant=False) for rows, of in parts)
        return total / (targets != -100).sum()

    def loss(self, ids, labels):
        """Mean cross-entropy of the next labelled token. labels: -100 where there is no loss.

        Where activations are computed again, so are the logits, some rows at a time: those of 16,384 tokens take 3 GB.
        """
        if self.recompute and torch.is_grad_enabled():
            return self.loss_by_rows(self.hidden(ids).flatten(0, 1), F.pad(labels, (0, 1), value=-100)[:, 1:].reshape(-1))
        logits = F.linear(self.hidden(ids), self.head)
        targets = F.pad(labels, (0, 1), value=-100)[:, 1:]
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-100)


HEAD_ROWS = 1024


def attend(q, k, v, layer, cache):
    """Causal attention; q (B, H, T, D), k and v (B, K, T, D). With a cache the T tokens continue it."""
    first = cache is None or layer not in cache
    if cache is not None:
        if not first:
            k, v = torch.cat([cache[layer][0], k], 2), torch.cat([cache[layer][1], v], 2)
        cache[layer] = (k, v)
    group = q.shape[1] // k.shape[1]
    if group > 1:
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    out = F.scaled_dot_product_attention(q, k, v, is_causal=first)
    return out.transpose(1, 2).flatten(2)


class Gpt2(Model):
    def __init__(self, config, weights):
        super().__init__(config, weights)
        self.head = weights["transformer.wte.weight"]

    def linear(self, layer, target, name, x):
        w, b = self.w[f"{name}.weight"], self.w[f"{name}.bias"]
        y = torch.addmm(b, x.reshape(-1, x.shape[-1]), w).view(*x.shape[:-1], -1)
        return self.adapted(layer, target, x, y)

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[f"{name}.weight"], self.w[f"{name}.bias"], self.config["layer_norm_epsilon"])

    def hidden(self, ids, cache=None, start=0):
        x = self.w["transformer.wte.weight"][ids] + self.w["transformer.wpe.weight"][start:start + ids.shape[1]]
        return self.norm("transformer.ln_f", self.blocks(x, cache, start, self.config["n_layer"]))

    def block(self, layer, x, cache, start):
        heads = self.config["n_head"]
        block = f"transformer.h.{layer}"
        h = self.norm(f"{block}.ln_1", x)
        q, k, v = self.linear(layer, "qkv", f"{block}.attn.c_attn", h).chunk(3, -1)
        q, k, v = (self.adapted(layer, t, h, y).unflatten(-1, (heads, -1)).transpose(1, 2) for t, y in (("q", q), ("k", k), ("v", v)))
        x = x + self.linear(layer, "o", f"{block}.attn.c_proj", attend(q, k, v, layer, cache))
        h = self.linear(layer, "fc", f"{block}.mlp.c_fc", self.norm(f"{block}.ln_2", x))
        return x + self.linear(layer, "proj", f"{block}.mlp.c_proj", F.gelu(h, approximate="tanh"))


class Llama(Model):
    def __init__(self, config, weights):
        super().__init__(config, weights)
        self.head = weights["model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"]
        self.d = config["hidden_size"] // config["num_attention_heads"]
        angles = torch.outer(torch.arange(config["max_position_embeddings"]).float(), config["rope_theta"] ** (-torch.arange(0, self.d, 2).float() / self.d)).to(DEVICE)
        self.cos, self.sin = torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()

    def linear(self, layer, target, name, x):
        return self.adapted(layer, target, x, F.linear(x, self.w[f"{name}.weight"]))

    def norm(self, name, x):
        return self.w[f"{name}.weight"] * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"]))

    def rotate(self, x, start):
        a, b = x.chunk(2, -1)
        rows = slice(start, start + x.shape[2])
        return x * self.cos[rows] + torch.cat([-b, a], -1) * self.sin[rows]

    def hidden(self, ids, cache=None, start=0):
        x = self.w["model.embed_tokens.weight"][ids]
        return self.norm("model.norm", self.blocks(x, cache, start, self.config["num_hidden_layers"]))

    def block(self, layer, x, cache, start):
        block = f"model.layers.{layer}"
        h = self.norm(f"{block}.input_layernorm", x)
        q, k, v = (self.linear(layer, t, f"{block}.self_attn.{t}_proj", h).unflatten(-1, (-1, self.d)).transpose(1, 2) for t in "qkv")
        q, k = self.rotate(q, start), self.rotate(k, start)
        x = x + self.linear(layer, "o", f"{block}.self_attn.o_proj", attend(q, k, v, layer, cache))
        h = self.norm(f"{block}.post_attention_layernorm", x)
        gate = F.silu(self.linear(layer, "gate", f"{block}.mlp.gate_proj", h))
        return x + self.linear(layer, "down", f"{block}.mlp.down_proj", gate * self.linear(layer, "up", f"{block}.mlp.up_proj", h))


def open_model(folder):
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    weights = load_file(os.path.join(folder, "model.safetensors"))
    return (Gpt2 if config["model_type"] == "gpt2" else Llama)(config, weights)


class Server:
    """One method per request; the fields of the request are its arguments."""

    def hello(self):
        where = torch.cuda.get_device_name() if DEVICE == "cuda" else "processor"
        return {"version": f"PyTorch {torch.__version__} {OPTIONS.dtype}, {where}", "threads": torch.get_num_threads()}

    def load(self, modelDir):
        started = time.perf_counter()
        self.model = open_model(modelDir)
        self.first_logits()
        synchronise()
        return {"ms": (time.perf_counter() - started) * 1000}

    @torch.no_grad()
    def first_logits(self):
        F.linear(self.model.hidden(torch.tensor([[1]], device=DEVICE)), self.model.head)

    def setup(self, modelDir, initFile, method, recompute, alpha, rank, train):
        self.model = open_model(modelDir)
        self.model.recompute = recompute
        if method == "full":
            self.parameters = [w.requires_grad_() for w in self.model.w.values()]
        else:
            init = load_file(initFile)
            for name in [n for n in init if n.endswith(".lora_A")]:
                place = name[: -len(".lora_A")]
                self.model.lora[place] = Lora(init[name].clone(), init[f"{place}.lora_B"].clone(), alpha / rank)
            self.parameters = [p for lora in self.model.lora.values() for p in lora.parameters()]
        self.clip = train["clip"]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=train["lr"], betas=(train["beta1"], train["beta2"]), eps=train["eps"], weight_decay=train["weightDecay"])
        return {"trainable": sum(p.numel() for p in self.parameters)}

    def step(self, examples):
        """One optimiser step; rows are padded to the longest."""
        started = time.perf_counter()
        longest = max(len(e["ids"]) for e in examples)
        ids = torch.tensor([e["ids"] + [0] * (longest - len(e["ids"])) for e in examples], device=DEVICE)
        labels = torch.tensor([e["labels"] + [-100] * (longest - len(e["labels"])) for e in examples], device=DEVICE)
        self.optimizer.zero_grad(set_to_none=True)
        with precision():
            loss = self.model.loss(ids, labels)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        synchronise()
        return {"loss": loss.item(), "gradNorm": norm.item(), "ms": (time.perf_counter() - started) * 1000}

    def generate(self, prompt, maxNew):
        started = time.perf_counter()
        return {"ids": self.greedy([prompt], maxNew), "ms": (time.perf_counter() - started) * 1000}

    @torch.no_grad()
    def greedy(self, prompts, maxNew):
        """Ids of the first row, then those of the second ... Prompts of equal length."""
        cache, ids, start, out = {}, torch.tensor(prompts, device=DEVICE), 0, []
        for _ in range(maxNew):
            h = self.model.hidden(ids, cache, start)
            start += ids.shape[1]
            ids = F.linear(h[:, -1:], self.model.head).argmax(-1)
            out.append(ids.flatten().tolist())
        return [id for row in zip(*out) for id in row]

    def adapters(self, files, targets, rank, alpha):
        loaded = [load_file(file) for file in files]
        for name in [n for n in loaded[0] if n.endswith(".lora_A")]:
            place = name[: -len(".lora_A")]
            self.model.lora[place] = LoraRows([(each[name], each[f"{place}.lora_B"]) for each in loaded], alpha / rank)
        return {}

    def generateMany(self, prompt, maxNew):
        """The prompt once per adapter, as one batch."""
        started = time.perf_counter()
        rows = len(next(iter(self.model.lora.values())).a)
        return {"ids": self.greedy([prompt] * rows, maxNew), "ms": (time.perf_counter() - started) * 1000}

    @torch.no_grad()
    def product(self, n, inner, width, repeats):
        """Milliseconds per product (n, inner) x (width, inner)^T, after a first one."""
        dtype = torch.bfloat16 if OPTIONS.dtype == "bf16" else torch.float32
        x, w = (torch.randn(rows, inner, device=DEVICE).to(dtype) for rows in (n, width))
        return {"ms": self.per_call(lambda: F.linear(x, w), repeats)}

    def gemm(self, n, inner, width, repeats):
        """Milliseconds per float32 product (n, inner) x (inner, width), after a first one."""
        x, w = torch.randn(n, inner, device=DEVICE), torch.randn(inner, width, device=DEVICE)
        return {"ms": self.per_call(lambda: x @ w, repeats)}

    @torch.no_grad()
    def attention(self, batch, heads, kvHeads, length, width, backward, repeats):
        """Milliseconds per causal attention, or per pass forth and back, after a first one."""
        dtype = torch.bfloat16 if OPTIONS.dtype == "bf16" else torch.float32
        q, k, v = (torch.randn(batch, h, length, width, device=DEVICE).to(dtype).requires_grad_(backward) for h in (heads, kvHeads, kvHeads))

        def once():
            keys, values = (t.repeat_interleave(heads // kvHeads, 1) for t in (k, v))
            out = F.scaled_dot_product_attention(q, keys, values, is_causal=True)
            if backward:
                torch.autograd.grad(out.sum(), (q, k, v))

        return {"ms": self.per_call(once, repeats)}

    def per_call(self, work, repeats):
        work()
        synchronise()
        started = time.perf_counter()
        for _ in range(repeats):
            work()
        synchronise()
        return (time.perf_counter() - started) * 1000 / repeats

    def peak(self):
        """Resident memory; on CUDA what PyTorch has taken from the card."""
        if DEVICE == "cuda":
            return {"peakBytes": torch.cuda.max_memory_reserved()}
        with open("/proc/self/status") as file:
            kib = next(line.split()[1] for line in file if line.startswith("VmHWM"))
        return {"peakBytes": int(kib) * 1024}


def main():
    server = Server()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("command"))(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print("@" + json.dumps({k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in answer.items()}), flush=True)


main()
