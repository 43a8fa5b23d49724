"""Logits of PEFT for adapters of many configurations on tiny random models: test-support/fixtures/peftTable.json.

Run with PyTorch, transformers and peft: python3 peft_table.py ../fixtures/peftTable.json
Every value of every tensor is a function of its name and place (`values`), so that the test makes the same files.
"""
import json, os, sys, tempfile, warnings, zlib
import numpy as np, torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import (Gemma2Config, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM)
from peft import LoraConfig, PeftModel, PeftType, get_peft_model
import peft, transformers

warnings.simplefilter('ignore')
IDS = [5, 1, 40, 7, 3, 22]


def values(name, shape):
    count = int(np.prod(shape)) if len(shape) else 1
    i = np.arange(count, dtype=np.uint64)
    x = (i * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))) & np.uint64(0xFFFFFFFF)
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(13))
    v = (x.astype(np.float64) / 2.0**32 - 0.5).reshape(shape)
    if 'norm' in name or 'ln_' in name or 'magnitude' in name:
        v = 1 + 0.3 * v
    return torch.tensor(v.astype(np.float32))


LLAMA = dict(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0)
GPT2 = dict(vocab_size=48, n_embd=16, n_layer=2, n_head=2, n_positions=64, n_inner=24, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0)
BASES = {
    'tied': ('llama', dict(LLAMA, tie_word_embeddings=True)),
    'untied': ('llama', dict(LLAMA, tie_word_embeddings=False)),
    'biased': ('llama', dict(LLAMA, tie_word_embeddings=True, attention_bias=True)),
    'gpt2': ('gpt2', GPT2),
    'gemma2': ('gemma2', dict(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
                              num_key_value_heads=1, head_dim=8, query_pre_attn_scalar=8, max_position_embeddings=64,
                              sliding_window=16, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True,
                              attn_logit_softcapping=5.0, final_logit_softcapping=10.0, hidden_activation='gelu_pytorch_tanh')),
}


CLASSES = {'llama': (LlamaConfig, LlamaForCausalLM), 'gpt2': (GPT2Config, GPT2LMHeadModel),
           'gemma2': (Gemma2Config, Gemma2ForCausalLM)}


def base_model(key):
    kind, fields = BASES[key]
    config, model_class = CLASSES[kind]
    model = model_class(config(**fields, attn_implementation='eager'))
    seen = {}
    for name, p in model.named_parameters():
        seen[name] = list(p.shape)
        with torch.no_grad():
            p.copy_(values(name, p.shape))
    model.eval()
    return model, seen


L = dict(r=2, lora_alpha=4)
QV = dict(L, target_modules=['q_proj', 'v_proj'])
CASES = [
    ('plain', 'tied', QV),
    ('embedding saved, tied', 'tied', dict(QV, modules_to_save=['embed_tokens'])),
    ('embedding saved, untied', 'untied', dict(QV, modules_to_save=['embed_tokens'])),
    ('head saved, tied', 'tied', dict(QV, modules_to_save=['lm_head'])),
    ('head saved, untied', 'untied', dict(QV, modules_to_save=['lm_head'])),
    ('embedding and head saved, tied', 'tied', dict(QV, modules_to_save=['embed_tokens', 'lm_head'])),
    ('embedding and head saved, untied', 'untied', dict(QV, modules_to_save=['embed_tokens', 'lm_head'])),
    ('embedding saved, kept tied', 'tied', dict(QV, modules_to_save=['embed_tokens'], ensure_weight_tying=True)),
    ('norms saved', 'tied', dict(QV, modules_to_save=['input_layernorm', 'norm'])),
    ('a linear layer saved', 'untied', dict(QV, modules_to_save=['down_proj'])),
    ('a linear layer with bias saved', 'biased', dict(QV, modules_to_save=['k_proj'])),
    ('tokens trained, tied', 'tied', dict(QV, trainable_token_indices=[3, 7])),
    ('tokens trained, untied', 'untied', dict(QV, trainable_token_indices=[3, 7, 40])),
    ('tokens of the embedding by name', 'untied', dict(QV, trainable_token_indices={'embed_tokens': [3, 7]})),
    ('tokens of the head', 'untied', dict(QV, trainable_token_indices={'embed_tokens': [3], 'lm_head': [5, 7]})),
    ('LoRA on the embedding, tied', 'tied', dict(L, target_modules=['q_proj', 'embed_tokens'])),
    ('LoRA on the embedding, untied', 'untied', dict(L, target_modules=['q_proj', 'embed_tokens'])),
    ('LoRA on the head, tied', 'tied', dict(L, target_modules=['q_proj', 'lm_head'])),
    ('LoRA on the head, untied', 'untied', dict(L, target_modules=['q_proj', 'lm_head'])),
    ('LoRA on both, tied', 'tied', dict(L, target_modules=['q_proj', 'embed_tokens', 'lm_head'])),
    ('LoRA on both, untied', 'untied', dict(L, target_modules=['q_proj', 'embed_tokens', 'lm_head'])),
    ('LoRA on the embedding, kept tied', 'tied', dict(L, target_modules=['q_proj', 'embed_tokens'], ensure_weight_tying=True)),
    ('LoRA on the embedding alone', 'untied', dict(L, target_modules=['embed_tokens'])),
    ('LoRA on the head alone, tied', 'tied', dict(L, target_modules=['lm_head'])),
    ('DoRA on the embedding', 'untied', dict(L, target_modules=['q_proj', 'embed_tokens'], use_dora=True)),
    ('DoRA on the head', 'untied', dict(L, target_modules=['q_proj', 'lm_head'], use_dora=True)),
    ('rsLoRA on embedding and head', 'untied', dict(L, target_modules=['embed_tokens', 'lm_head'], use_rslora=True)),
    ('patterns on embedding and head', 'untied',
     dict(L, target_modules=['embed_tokens', 'lm_head', 'q_proj'], rank_pattern={'embed_tokens': 3, 'lm_head': 1}, alpha_pattern={'lm_head': 7})),
    ('a bias on lora_B, biases in the base', 'biased', dict(QV, lora_bias=True)),
    ('a bias on lora_B, none in the base', 'tied', dict(QV, lora_bias=True)),
    ('a bias on lora_B of the head', 'untied', dict(L, target_modules=['q_proj', 'lm_head'], lora_bias=True)),
    ('bias all', 'biased', dict(QV, bias='all')),
    ('bias lora_only', 'biased', dict(QV, bias='lora_only')),
    ('bias all with a bias on lora_B', 'biased', dict(QV, bias='all', lora_bias=True)),
    ('all-linear', 'untied', dict(L, target_modules='all-linear')),
    ('an expression', 'tied', dict(L, target_modules=r'.*\.1\..*(q|down)_proj')),
    ('an expression for everything', 'untied', dict(L, target_modules=r'.*(q_proj|embed_tokens|lm_head)')),
    ('less one', 'tied', dict(QV, exclude_modules=['v_proj'])),
    ('less the head', 'untied', dict(L, target_modules=['q_proj', 'lm_head'], exclude_modules='lm_head')),
    ('one layer', 'tied', dict(QV, layers_to_transform=[1], layers_pattern='layers')),
    ('patterns', 'tied', dict(QV, rank_pattern={'q_proj': 3}, alpha_pattern={'layers.0.self_attn.v_proj': 9})),
    ('rsLoRA', 'tied', dict(QV, use_rslora=True)),
    ('DoRA', 'tied', dict(QV, use_dora=True)),
    ('gaussian start', 'tied', dict(QV, init_lora_weights='gaussian')),
    ('orthogonal start', 'tied', dict(QV, init_lora_weights='orthogonal')),
    ('no start', 'tied', dict(QV, init_lora_weights=False)),
    ('a whole list in GPT-2', 'gpt2', dict(L, target_modules=['c_attn', 'c_proj'], fan_in_fan_out=True)),
    ('GPT-2 by its embedding', 'gpt2', dict(L, target_modules=['c_attn', 'wte'], fan_in_fan_out=True)),
    ('GPT-2 with positions and norms saved', 'gpt2', dict(L, target_modules=['c_attn'], modules_to_save=['wpe', 'ln_f'], fan_in_fan_out=True)),
    ('GPT-2 with a layer saved', 'gpt2', dict(L, target_modules=['c_attn'], modules_to_save=['c_fc'], fan_in_fan_out=True)),
    ('GPT-2 with a bias on lora_B', 'gpt2', dict(L, target_modules=['c_attn'], lora_bias=True, fan_in_fan_out=True)),
    ('GPT-2 with tokens trained', 'gpt2', dict(L, target_modules=['c_attn'], trainable_token_indices={'wte': [3, 7]}, fan_in_fan_out=True)),
    ('embedding saved unasked, tied', 'tied', dict(QV, unasked=True)),
    ('embedding saved unasked, untied', 'untied', dict(QV, unasked=True)),
    ('LoRA on the embedding, saved along, tied', 'tied', dict(L, target_modules=['q_proj', 'embed_tokens'], unasked=True)),
    ('LoRA on the embedding, head saved, tied', 'tied',
     dict(L, target_modules=['q_proj', 'embed_tokens'], modules_to_save=['lm_head'], unasked=True)),
    ('Gemma 2 by its embedding', 'gemma2', dict(L, target_modules=['q_proj', 'embed_tokens'])),
    ('Gemma 2 with a head saved', 'gemma2', dict(QV, modules_to_save=['lm_head', 'pre_feedforward_layernorm'])),
    ('a bare parameter', 'tied', dict(L, target_modules=[], target_parameters=['mlp.down_proj.weight'])),
]


def copies(config, tensors):
    """Where embedding and head are kept tied, the file holds the same values twice: key -> [other key, turned]."""
    head, embedding = 'base_model.model.lm_head.', 'base_model.model.model.embed_tokens.'
    pairs = {head + 'weight': [embedding + 'weight', False],
             head + 'lora_A.weight': [embedding + 'lora_embedding_B', True],
             head + 'lora_B.weight': [embedding + 'lora_embedding_A', True]}
    tied = config.get('ensure_weight_tying') or config.get('unasked')
    return {k: v for k, v in pairs.items() if tied and k in tensors and v[0] in tensors}


def run(name, base, fields):
    fields = dict(fields)
    unasked = fields.pop('unasked', False)
    model, shapes = base_model(base)
    with tempfile.TemporaryDirectory() as work:
        made = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', **fields))
        made.save_pretrained(work, save_embedding_layers=unasked)
        file = os.path.join(work, 'adapter_model.safetensors')
        with safe_open(file, 'pt') as f:
            tensors = {k: list(f.get_slice(k).get_shape()) for k in f.keys()}
        config = json.load(open(os.path.join(work, 'adapter_config.json')))
        same = copies(dict(config, unasked=unasked and base == 'tied'), tensors)
        data = {k: values(k, s) for k, s in tensors.items()}
        for key, (other, turned) in same.items():
            data[key] = (data[other].T if turned else data[other]).contiguous().clone()
        save_file(data, file, metadata={'format': 'pt'})
        fresh, _ = base_model(base)
        loaded = PeftModel.from_pretrained(fresh, work).double().eval()
        with torch.no_grad():
            logits = loaded(input_ids=torch.tensor([IDS])).logits[0]
        try:
            merged = loaded.merge_and_unload()
            with torch.no_grad():
                after = merged(input_ids=torch.tensor([IDS])).logits[0]
            merge = float((after - logits).abs().max())
        except Exception as error:  # what PEFT refuses to merge
            merge = str(error)[:120]
    return dict(name=name, base=base, config={k: v for k, v in config.items() if v not in (None, False, {}, [])},
                tensors=tensors, same=same, logits=[[round(float(x), 6) for x in row] for row in logits[-2:]], merge=merge)


out = dict(made_with=dict(peft=peft.__version__, transformers=transformers.__version__, torch=torch.__version__), ids=IDS,
           types=[kind.value for kind in PeftType], bases={}, cases=[])
for key, (kind, fields) in BASES.items():
    out['bases'][key] = dict(config=dict(fields, model_type=kind), tensors=base_model(key)[1])
for case in CASES:
    try:
        out['cases'].append(run(*case))
        last = out['cases'][-1]
        print(f"{last['name']:44} merge {last['merge']}", [k for k in last['tensors'] if 'layers.1' not in k and 'h.1' not in k][:7], flush=True)
    except Exception as error:
        print('FAILED', case[0], type(error).__name__, str(error)[:300], flush=True)
def encode(value):
    return json.dumps(value, separators=(',', ':'))
with open(sys.argv[1], 'w') as f:
    f.write('{"made_with":' + encode(out['made_with']) + ',"ids":' + encode(out['ids']) + ',"types":' + encode(out['types']) + ',\n"bases":' + encode(out['bases']) + ',\n"cases":[\n')
    f.write(',\n'.join(encode(case) for case in out['cases']) + '\n]}\n')
