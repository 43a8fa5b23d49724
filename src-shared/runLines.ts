/** The lines that run an export in its runtime, to be copied into a terminal. */
// @wc-ignore-file
import { exportName, isGgufName } from './exportFormats.ts';
import type { ExportFormat, WrittenGguf } from './exports.ts';

export interface RunLine {
  /** Where it runs. */
  label: string;
  line: string;
}

export interface Exported {
  format: ExportFormat;
  /** The folder, or the one file. */
  outDir: string;
  /** Of an adapter by itself. */
  modelDir: string;
  files: string[];
  ggufs?: WrittenGguf[] | undefined;
  /** An adapter that is a LoRA and nothing besides. */
  plainLora?: boolean | undefined;
  /** The file of a base that is no Hugging Face folder. */
  baseGguf?: string | undefined;
}

const IN_LM_STUDIO = /[\\/]\.lmstudio[\\/]models[\\/]/;

/** `platform`: of the machine that the export lies on, as Node calls it. */
export function runLines(exported: Exported, platform: string): RunLine[] {
  const { format, outDir, modelDir, files, ggufs, plainLora = false, baseGguf } = exported;
  const quote = quoteFor(platform);
  const base = modelDir === '' || baseGguf !== undefined ? 'BASE' : quote(modelDir);
  const inside = (name: string): string => (isGgufName(outDir) ? outDir : join(outDir, name, platform));
  const gguf = ggufs?.[0]?.file ?? files.find(isGgufName) ?? '';
  const name = ollamaName(outDir);
  switch (format) {
    case 'ollama':
      return [
        { label: 'Ollama', line: `ollama create ${name} -f ${quote(inside('Modelfile'))} && ollama run ${name}` },
      ];
    case 'gguf':
      return [{ label: 'llama.cpp', line: `llama-cli -m ${quote(inside(gguf))}` }];
    case 'lmstudio':
      // Within its own folders LM Studio has found the model already; without a name it asks which to load.
      return [
        { label: 'LM Studio', line: IN_LM_STUDIO.test(outDir) ? 'lms load' : `lms import ${quote(inside(gguf))}` },
      ];
    case 'lora-gguf':
      return [
        {
          label: 'llama.cpp',
          line: `llama-cli -m ${baseGguf === undefined ? 'BASE.gguf' : quote(baseGguf)} --lora ${quote(inside(gguf))}`,
        },
      ];
    case 'mlx':
      return [{ label: 'mlx-lm', line: `mlx_lm.chat --model ${base} --adapter-path ${quote(outDir)}` }];
    case 'peft':
      if (!plainLora) return [{ label: 'Graft', line: `graft adapters import ${quote(outDir)}` }];
      return [{ label: 'vLLM', line: `vllm serve ${base} --enable-lora --lora-modules ${quote(`${name}=${outDir}`)}` }];
    case 'hf':
      return [
        { label: 'vLLM', line: `vllm serve ${quote(outDir)}` },
        { label: 'mlx-lm', line: `mlx_lm.chat --model ${quote(outDir)}` },
      ];
  }
}

/** A name that Ollama takes, from the export's own. */
export function ollamaName(outDir: string): string {
  const name = exportName(outDir)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return name || 'graft-model';
}

function join(dir: string, name: string, platform: string): string {
  return platform === 'win32' ? `${dir}\\${name.replaceAll('/', '\\')}` : `${dir}/${name}`;
}

/** A path as one word of the shell: of cmd and PowerShell, or of a POSIX one. */
function quoteFor(platform: string): (text: string) => string {
  if (platform === 'win32') return (text) => (/^[\w.:\\/=-]+$/.test(text) ? text : `"${text}"`);
  return (text) => (/^[\w.,:@/=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
}
