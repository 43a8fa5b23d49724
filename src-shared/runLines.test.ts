import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { EXPORT_FORMATS } from './exports.ts';
import { runLines } from './runLines.ts';

const exported = { modelDir: '/m/base', files: ['Modelfile', 'a-Q8_0.gguf', 'parity.json'] };
const lineOf = (outDir: string, platform = 'linux') =>
  runLines({ ...exported, format: 'ollama', outDir }, platform).map(({ line }) => line);

it('every format has a line', () => {
  for (const format of EXPORT_FORMATS)
    expect(runLines({ ...exported, format, outDir: '/e/a' }, 'linux').length, format).toBeGreaterThan(0);
});

it('a name that Ollama takes, and paths that need no quotes', () => {
  expect(lineOf('/e/My Colours (2)')).toEqual([
    `ollama create my-colours-2- -f '/e/My Colours (2)/Modelfile' && ollama run my-colours-2-`,
  ]);
  expect(lineOf('C:\\e\\colours', 'win32')).toEqual([
    'ollama create colours -f C:\\e\\colours\\Modelfile && ollama run colours',
  ]);
  expect(lineOf('/e/größe')).toEqual([`ollama create gr-e -f '/e/größe/Modelfile' && ollama run gr-e`]);
});

it('an adapter is run beside its base, where the runtime takes both', () => {
  const lines = (more: object) => runLines({ ...exported, format: 'peft', outDir: '/e/a', ...more }, 'linux');
  expect(lines({ plainLora: true })[0]!.line).toBe('vllm serve /m/base --enable-lora --lora-modules a=/e/a');
  expect(lines({ plainLora: false })).toEqual([{ label: 'Graft', line: 'graft adapters import /e/a' }]);
  const ofGguf = { plainLora: true, baseGguf: '/m/b.gguf' };
  expect(lines(ofGguf)[0]!.line).toContain('vllm serve BASE ');
  const files = ['a-lora.gguf'];
  expect(lines({ ...ofGguf, format: 'lora-gguf', files })[0]!.line).toBe(
    'llama-cli -m /m/b.gguf --lora /e/a/a-lora.gguf',
  );
});

it('one file is run by itself', () => {
  const lines = runLines({ ...exported, files: ['x.gguf'], format: 'gguf', outDir: '/e/x.gguf' }, 'linux');
  expect(lines).toEqual([{ label: 'llama.cpp', line: 'llama-cli -m /e/x.gguf' }]);
});

it.skipIf(process.platform === 'win32')('a shell reads the path as it is', () => {
  for (const name of [`it's $HOME`, 'a"b`c`', 'new\\line ; rm']) {
    const [found] = runLines({ ...exported, format: 'hf', outDir: `/e/${name}` }, 'linux');
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${found!.line}`]).toString();
    expect(words).toBe(`vllm\nserve\n/e/${name}\n`);
  }
});
