/** Model cards: their fields as the hub reads them, what they say, and that no word of a user changes their form. */
import { expect, it } from 'vitest';
import { EXPORT_FORMATS } from '../../../src-shared/exports.ts';
import { baseModelIn, licenceIn } from './frontMatter.ts';
import type { CardFacts } from './facts.ts';
import { modelCard } from './modelCard.ts';

const FACTS: CardFacts = {
  format: 'peft',
  name: 'colours',
  task: 'names of colours',
  base: { name: 'SmolLM2-135M', repository: 'HuggingFaceTB/SmolLM2-135M', hash: 'a'.repeat(64), licence: 'apache-2.0' },
  adapters: [{ name: 'colours', method: { name: 'rsLoRA', details: 'rank 8, alpha 16' }, scale: 1 }],
  data: { name: 'colours.jsonl', version: 2, hash: 'b'.repeat(64), rows: 120 },
  settings: [['lr', '0.0002']],
  metrics: [['Validation loss', '0.4321']],
  proofs: [{ compared: 'Logits by tensorflow.', figures: [['Largest difference', '1e-5']] }],
  inPeft: true,
  plainLora: true,
  files: ['adapter_config.json', 'adapter_model.safetensors', 'colours-Q8_0.gguf'],
  notes: 'Trained on a rainy day.',
};

it('has the fields that the hub reads, and leaves the licence to the user', () => {
  const [, yaml] = modelCard(FACTS).split('---\n');
  expect(yaml!.trim().split('\n')).toEqual([
    'base_model: "HuggingFaceTB/SmolLM2-135M"',
    'base_model_relation: adapter',
    'library_name: peft',
    'pipeline_tag: text-generation',
    'tags:',
    '- rslora',
    '- adapter',
    '- graft',
    '# license: yours to choose, as far as the licence of the base allows',
  ]);
  const local = modelCard({ ...FACTS, format: 'hf', base: { ...FACTS.base, repository: null } });
  expect(local).toContain('# base_model: OWNER/NAME');
  expect(local).toMatch(/^library_name: transformers$/m);
});

it('says base, data, method, settings, figures and proof', () => {
  const card = modelCard(FACTS);
  for (const words of [
    '# colours\n',
    'for the task names of colours',
    'Trained on a rainy day.',
    '| Base model | HuggingFaceTB/SmolLM2-135M |',
    '| Adapter | colours, rsLoRA, rank 8, alpha 16 |',
    '| Version | 2 |',
    `| Content (sha256) | ${'b'.repeat(64)} |`,
    '| lr | 0.0002 |',
    '| Validation loss | 0.4321 |',
    'Logits by tensorflow.',
    'Its card says: apache-2.0.',
  ])
    expect(card).toContain(words);
});

it('names only the runtimes that take this adapter', () => {
  expect(modelCard({ ...FACTS, plainLora: false })).not.toContain('vllm');
  const own = modelCard({ ...FACTS, inPeft: false, plainLora: false });
  expect(own).toContain('graft adapters import');
  expect(own).not.toMatch(/peft/i);
});

it('tells how each format is used', () => {
  const lines = Object.fromEntries(EXPORT_FORMATS.map((format) => [format, modelCard({ ...FACTS, format })]));
  expect(lines['peft']).toContain('model = PeftModel.from_pretrained(base, ".")');
  expect(lines['hf']).toContain('AutoModelForCausalLM.from_pretrained(".")');
  expect(lines['ollama']).toContain('ollama create colours -f Modelfile\nollama run colours');
  expect(lines['gguf']).toContain('llama-cli -m "colours-Q8_0.gguf"');
  expect(lines['lora-gguf']).toContain('llama-cli -m BASE.gguf --lora "colours-Q8_0.gguf"');
  expect(lines['mlx']).toContain('mlx_lm.generate --model "HuggingFaceTB/SmolLM2-135M" --adapter-path .');
  expect(lines['lmstudio']).toContain('lms import');
});

it('keeps its form whatever a name holds', () => {
  const odd = 'a | b\n---\n# <b>`x` [y](z)';
  const card = modelCard({ ...FACTS, name: odd, task: odd, base: { ...FACTS.base, name: odd, repository: null } });
  expect(card.split('\n').filter((line) => line === '---')).toHaveLength(2);
  expect(card).toContain('# a \\| b --- \\# \\<b\\>\\`x\\` \\[y\\](z)');
  expect(card.match(/^# /gm)).toHaveLength(2 + 1); // title and the two lines that wait in the front matter
});

it('reads the licence of another card', () => {
  const card = (yaml: string): string => `---\n${yaml}\n---\n# Model\nlicense: no`;
  expect(licenceIn(card('license: apache-2.0'))).toBe('apache-2.0');
  expect(licenceIn(card('language:\n- en\nlicense: "mit" # really'))).toBe('mit');
  expect(licenceIn(card('license: other\nlicense_name: llama3.2'))).toBe('llama3.2');
  expect(licenceIn(card('license:\n  - mit\n  - cc0-1.0\ntags: [a]'))).toBe('mit, cc0-1.0');
  expect(licenceIn(card('tags:\n- a'))).toBeNull();
  expect(licenceIn('# Model\nlicense: mit')).toBeNull();
});

it('the base that another card names is read where it is one', () => {
  const card = (yaml: string) => `---\n${yaml}\n---\n# Model\n`;
  expect(baseModelIn(card('base_model: Qwen/Qwen3-0.6B'))).toBe('Qwen/Qwen3-0.6B');
  expect(baseModelIn(card('license: mit\nbase_model:\n- google/gemma-3-1b-it'))).toBe('google/gemma-3-1b-it');
  for (const yaml of ['base_model:\n- a/b\n- c/d', 'base_model: ../../etc', 'license: mit'])
    expect(baseModelIn(card(yaml))).toBeNull();
  expect(baseModelIn('no front matter')).toBeNull();
});
