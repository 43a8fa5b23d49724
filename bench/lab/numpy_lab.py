"""One turn of bench/lab in NumPy: TOOL ADAPTER OTHER; prints seconds and peak memory."""
import json
import sys
import time

import numpy as np


def pairs(folder):
    file = f'{folder}/adapter_model.safetensors'
    with open(file, 'rb') as f:
        size = int.from_bytes(f.read(8), 'little')
        header = json.loads(f.read(size))
    body = np.memmap(file, mode='r', offset=8 + size)
    at = lambda name: body[slice(*header[name]['data_offsets'])].view('<f4').reshape(header[name]['shape'])
    for name in header:
        if name.endswith('.lora_A.weight'):
            yield at(name).astype(np.float64), at(name.replace('lora_A', 'lora_B')).astype(np.float64)


def spectrum(a, b):
    return np.linalg.svd(np.linalg.qr(b, 'r') @ np.linalg.qr(a.T, 'r').T, compute_uv=False)


def directions(tall):
    q, r = np.linalg.qr(tall)
    return q @ np.linalg.svd(r)[0]


def grid(one, other):
    squares = np.cumsum(np.cumsum((one.T @ other) ** 2, 0), 1)
    return squares / np.minimum(*np.ogrid[1 : squares.shape[0] + 1, 1 : squares.shape[1] + 1])


started = time.perf_counter()
tool, one, other = sys.argv[1:]
if tool == 'spectrum':
    for a, b in pairs(one):
        spectrum(a, b)
else:
    for (a, b), (a2, b2) in zip(pairs(one), pairs(other)):
        grid(directions(a.T), directions(a2.T)), grid(directions(b), directions(b2))
seconds = time.perf_counter() - started
# ru_maxrss begins with that of the process which started this one.
with open('/proc/self/status') as status:
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
print(json.dumps({'seconds': seconds, 'peakMiB': peak_kib / 1024}))
