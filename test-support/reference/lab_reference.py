"""The lab's figures by their definitions in NumPy, with every update multiplied out and decomposed whole.

python3 lab_reference.py BASE ADAPTER OTHER   prints JSON for two LoRA adapters of one base (float32 safetensors)
python3 lab_reference.py --truncated ADAPTER SMALL   prints, by matrix, how far SMALL is from the nearest updates of its ranks
python3 lab_reference.py --sum ADAPTER WEIGHT ADAPTER WEIGHT SUM   prints the largest relative difference of SUM from the sum
python3 lab_reference.py --intruders BASE ADAPTER TOP EPSILON [WITHOUT]   prints intruders by matrix, and how far WITHOUT is from the update less these
python3 lab_reference.py --tuned BASE MODEL OTHER [SMALL]   prints, by weight, figures of two whole models against their base, and how far SMALL is from MODEL's nearest updates
python3 lab_reference.py --peft-linear ADAPTER WEIGHT ADAPTER WEIGHT BLEND   prints the largest relative difference of BLEND from PEFT's formula
python3 lab_reference.py --fixture            prints small random matrices with their figures (fixtures/lab.json)
"""
import json
import os
import re
import sys

# Several threads for matrices this small only get into each other's way.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

import numpy as np


def read(file):
    with open(file, 'rb') as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), 'little')))
        body = f.read()
    return {
        name: np.frombuffer(body[slice(*info['data_offsets'])], '<f4').reshape(info['shape']).astype(np.float64)
        for name, info in header.items()
        if name != '__metadata__'
    }


def spectrum(delta, rank):
    s = np.linalg.svd(delta, compute_uv=False)
    share = s / s.sum()
    share = share[share > 1e-15]
    return {
        'singularValues': s[:rank].tolist(),
        'effectiveRank': float(np.exp(-(share * np.log(share)).sum())),
        'stableRank': float((s**2).sum() / s[0] ** 2),
        'energy': (np.cumsum(s**2) / (s**2).sum())[:rank].tolist(),
    }


def grid(one, other):
    return [
        [
            float(np.linalg.norm(one[:, :i].T @ other[:, :j]) ** 2 / min(i, j))
            for j in range(1, other.shape[1] + 1)
        ]
        for i in range(1, one.shape[1] + 1)
    ]


def right(matrix):
    return np.linalg.svd(matrix, full_matrices=False)[2].T


def similarity(a, b, other_a, other_b):
    one = {'a': grid(right(a), right(other_a)), 'b': grid(right(b.T), right(other_b.T))}
    for side in 'ab':
        p = min(len(one[side]), len(one[side][0]))
        # Through the projections onto the two subspaces: the metric's other definition, ||P - Q||_F / sqrt(2).
        pair = (a, other_a) if side == 'a' else (b.T, other_b.T)
        first, second = (right(m)[:, :p] for m in pair)
        distance = np.linalg.norm(first @ first.T - second @ second.T) / np.sqrt(2)
        one['grassmann' + side.upper()] = float(distance)
    return one


def amplification(w, delta, top):
    u, _, vt = np.linalg.svd(delta)
    wu, _, wvt = np.linalg.svd(w)
    part = lambda x, yt: float(np.linalg.norm(x[:, :top].T @ w @ yt[:top].T))
    norm = float(np.linalg.norm(delta))
    nearest = lambda dots: [{'index': int(row.argmax()), 'cosine': float(row.max())} for row in np.abs(dots[:top])]
    own = np.linalg.matrix_rank(w)
    return {
        'deltaRank': int(np.linalg.matrix_rank(delta)),
        'deltaEffectiveRank': spectrum(delta, 1)['effectiveRank'],
        'weightRank': int(own),
        'weightEffectiveRank': spectrum(w, 1)['effectiveRank'],
        'written': nearest(u.T @ wu[:, :own]),
        'read': nearest(vt @ wvt[:own].T),
        'deltaNorm': norm,
        'weightNorm': float(np.linalg.norm(w)),
        'inDelta': part(u, vt),
        'inWeight': part(wu, wvt),
        'factor': norm / part(u, vt),
    }


def intruders(w, delta, top, epsilon):
    u, s, vt = np.linalg.svd(w + delta, full_matrices=False)
    own, values, _ = np.linalg.svd(w, full_matrices=False)
    own = own[:, : np.linalg.matrix_rank(w)]
    nearest = np.abs(u.T @ own).max(1)[:top]
    found = [i for i in range(len(nearest)) if nearest[i] < epsilon]
    parts = sum((s[i] * np.outer(u[:, i], vt[i]) for i in found), np.zeros_like(w))
    listed = [{'index': i, 'singularValue': float(s[i]), 'cosine': float(nearest[i])} for i in found]
    return {'looked': len(nearest), 'intruders': listed}, delta - parts


def adapter(folder):
    config = json.load(open(f'{folder}/adapter_config.json'))

    def of(pattern, name, usual):
        return next((v for k, v in (config.get(pattern) or {}).items() if re.match(rf'(.*\.)?({k})$', name)), usual)

    def scale(name):
        r, alpha = of('rank_pattern', name, config['r']), of('alpha_pattern', name, config['lora_alpha'])
        return alpha / (np.sqrt(r) if config.get('use_rslora') else r)

    tensors = read(f'{folder}/adapter_model.safetensors')
    names = [n[len('base_model.model.') : -len('.lora_A.weight')] for n in tensors if n.endswith('.lora_A.weight')]
    at = lambda n, part: tensors[f'base_model.model.{n}.lora_{part}.weight']
    return {n: (at(n, 'A'), at(n, 'B'), scale(n)) for n in names}, config.get('fan_in_fan_out')


def figures(w, a, b, scale, other_a, other_b):
    delta = scale * b @ a
    return {
        'spectrum': spectrum(delta, a.shape[0]),
        'similarity': similarity(a, b, other_a, other_b),
        'amplification': amplification(w, delta, a.shape[0]),
    }


def of_folders(base, one, other):
    weights = read(f'{base}/model.safetensors')
    (first, turned), (second, _) = adapter(one), adapter(other)
    result = {}
    for name in first:
        if name in second:
            w = weights[f'{name}.weight']
            result[name] = figures(w.T if turned else w, *first[name], *second[name][:2])
    return result


def truncated(whole, small):
    """Largest difference relative to the update's norm, and the energy kept, by matrix."""
    result = {}
    for (name, (a, b, scale)), (a2, b2, scale2) in zip(adapter(whole)[0].items(), adapter(small)[0].values()):
        u, s, vt = np.linalg.svd(scale * b @ a)
        r = a2.shape[0]
        nearest = (u[:, :r] * s[:r]) @ vt[:r]
        difference = np.abs(nearest - scale2 * b2 @ a2).max() / np.linalg.norm(s)
        result[name] = {'rank': r, 'difference': float(difference), 'energy': float((s[:r] ** 2).sum() / (s**2).sum())}
    return result


def of_tuned(base, model, other, small=None):
    before, after, beside = (read(file) for file in (base, model, other))
    result = {}
    for weight, w in before.items():
        delta = after[weight] - w
        name = weight.removesuffix('.weight')
        if w.ndim != 2 or 'embed' in weight or weight == 'lm_head.weight':
            continue
        left, _, right = np.linalg.svd(delta)
        left2, _, right2 = np.linalg.svd(beside[weight] - w)
        result[name] = {
            'spectrum': spectrum(delta, min(w.shape)),
            'a': float(np.linalg.norm(right[:3] @ right2[:3].T) ** 2 / 3),
            'b': float(np.linalg.norm(left[:, :3].T @ left2[:, :3]) ** 2 / 3),
            'inDelta': amplification(w, delta, 8)['inDelta'],
            **intruders(w, delta, 10, 0.5)[0],
        }
        if small:
            a, b, scale = adapter(small)[0][name]
            u, s, vt = np.linalg.svd(delta)
            r = a.shape[0]
            error = np.linalg.norm((u[:, :r] * s[:r]) @ vt[:r] - scale * b @ a) / np.linalg.norm(s)
            result[name]['difference'] = float(error)
    return result


def of_sum(one, weight, other, weight2, whole):
    parts = [(adapter(folder)[0], float(factor)) for folder, factor in ((one, weight), (other, weight2), (whole, -1))]
    names = parts[2][0]
    dw = lambda pairs, name: pairs[name][2] * pairs[name][1] @ pairs[name][0] if name in pairs else 0
    rest = {n: sum(f * dw(pairs, n) for pairs, f in parts) for n in names}
    return max(float(np.linalg.norm(rest[n]) / np.linalg.norm(dw(names, n))) for n in names)


def of_intruders(base, folder, top, epsilon, without=None):
    weights = read(f'{base}/model.safetensors')
    pairs, turned = adapter(folder)
    result = {}
    for name, (a, b, scale) in pairs.items():
        w = weights[f'{name}.weight']
        found, rest = intruders(w.T if turned else w, scale * b @ a, int(top), float(epsilon))
        if without:
            a2, b2, scale2 = adapter(without)[0][name]
            found['rank'] = a2.shape[0]
            found['difference'] = float(np.linalg.norm(scale2 * b2 @ a2 - rest) / np.linalg.norm(rest))
        result[name] = found
    return result


def of_peft_linear(one, weight, other, weight2, blend):
    """PEFT's _generalized_task_arithmetic_weighted_adapter with the combination "linear"."""
    parts = [(adapter(one)[0], float(weight)), (adapter(other)[0], float(weight2))]
    worst = 0
    for name, (a, b, scale) in adapter(blend)[0].items():
        there = [(*pairs[name], factor) for pairs, factor in parts if name in pairs]
        want_a = sum(np.sqrt(factor * s) * x for x, _, s, factor in there)
        want_b = sum(np.sqrt(factor * s) * y for _, y, s, factor in there)
        for got, want in ((a, want_a), (scale * b, want_b)):
            worst = max(worst, np.linalg.norm(got - want) / np.linalg.norm(want))
    return float(worst)


def ties(updates, weights, density):
    """Yadav et al. 2023, section 3, on whole arrays."""
    kept = []
    for update in updates:
        count = int(np.ceil(density * update.size))
        mask = np.zeros(update.size, bool)
        mask[np.argsort(-np.abs(update), kind='stable')[:count]] = True
        kept.append(np.where(mask, update, 0))
    kept = np.stack(kept)
    sign = np.sign(kept.sum(0))
    agree = (np.sign(kept) == sign) & (kept != 0)
    total = (np.array(weights)[:, None] * kept * agree).sum(0)
    return total / np.maximum(agree.sum(0), 1)


def fixture():
    rng = np.random.default_rng(7)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32).astype(np.float64)
    w, a, b, other_a, other_b = draw(8, 12), draw(3, 12), draw(8, 3), draw(2, 12), draw(8, 2)
    tasks = [draw(40) for _ in range(3)]
    weights = [1, 0.5, -0.3]
    blend = {'tasks': [t.tolist() for t in tasks], 'weights': weights, 'ties': ties(tasks, weights, 0.4).tolist()}
    inputs = {'compose': blend, 'W': w, 'A': a, 'B': b, 'otherA': other_a, 'otherB': other_b}
    more = {'scale': 2, 'intruders': intruders(w, 2 * b @ a, 5, 0.75)[0], **figures(w, a, b, 2, other_a, other_b)}
    return {**{k: v if isinstance(v, dict) else v.tolist() for k, v in inputs.items()}, **more}


modes = {'--fixture': fixture, '--truncated': truncated, '--sum': of_sum, '--intruders': of_intruders, '--tuned': of_tuned, '--peft-linear': of_peft_linear}
work, args = (modes[sys.argv[1]], sys.argv[2:]) if sys.argv[1] in modes else (of_folders, sys.argv[1:])
print(json.dumps(work(*args)))
