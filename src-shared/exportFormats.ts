/** What each export format is and how its files are called, for page, command line, plan and the work itself. */
import type { ExportFormat, Quantisation } from './exports.ts';

export interface FormatFacts {
  /** What the user runs it with. */
  label: string;
  /** What is written, in a sentence. */
  text: string;
  /** Base and adapters in one, or one adapter by itself. */
  holds: 'model' | 'adapter';
  /** Weights in the types of llama.cpp, of which several may be asked for. */
  quantised: boolean;
}

export const EXPORT_FORMAT_FACTS: Record<ExportFormat, FormatFacts> = {
  ollama: {
    label: 'Ollama',
    text: 'The whole model as a GGUF file with a Modelfile, and the line that adds it to Ollama.',
    holds: 'model',
    quantised: true,
  },
  lmstudio: {
    label: 'LM Studio',
    text: 'The whole model as GGUF files, where LM Studio looks for them if it is installed here.',
    holds: 'model',
    quantised: true,
  },
  gguf: {
    label: 'llama.cpp',
    text: 'The whole model as GGUF files, for llama.cpp and all that is built on it.',
    holds: 'model',
    quantised: true,
  },
  hf: {
    label: 'Python',
    text: 'The whole model as a Hugging Face folder: transformers, vLLM, mlx-lm, and Graft itself.',
    holds: 'model',
    quantised: false,
  },
  peft: {
    label: 'PEFT',
    text: 'A copy of the adapter’s small folder, to be loaded beside its base model by PEFT, vLLM or Graft.',
    holds: 'adapter',
    quantised: false,
  },
  'lora-gguf': {
    label: 'llama.cpp --lora',
    text: 'The adapter alone as a GGUF file, to be loaded beside a GGUF of its base model.',
    holds: 'adapter',
    quantised: false,
  },
  mlx: {
    label: 'mlx-lm',
    text: 'The adapter alone as mlx-lm reads it on Apple’s chips, beside its base model.',
    holds: 'adapter',
    quantised: false,
  },
};

/** Whether a model is written as it is: then there are no adapters, and `tasks` is the empty list. */
export function isAsItIs({ tasks }: { tasks?: readonly unknown[] | null | undefined }): boolean {
  return tasks?.length === 0;
}

/** What an export is compared with, in words. */
export function referenceName(exported: Parameters<typeof isAsItIs>[0]): string {
  return isAsItIs(exported) ? 'the model itself' : 'base + adapter';
}

const FILE_FORMATS: ExportFormat[] = ['gguf', 'lora-gguf'];

/** Whether `outDir` names the one file to be written: a path that ends in .gguf, for the formats of one file. */
export function isOneFile({ format, outDir }: { format: ExportFormat; outDir: string }): boolean {
  return FILE_FORMATS.includes(format) && isGgufName(outDir);
}

export function isGgufName(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/** The certificate of a GGUF that is one file lies beside it: `model.gguf`, `model.parity.json`. */
export function certificateBeside(file: string): string {
  return file.replace(/\.gguf$/i, '.parity.json');
}

/** What an export is called: as its folder or file. */
export function exportName(outDir: string): string {
  const base = outDir.split(/[\\/]/).filter(Boolean).at(-1) ?? '';
  return base.replace(/\.gguf$/i, '') || 'model';
}

/**
 * `colours-Q8_0.gguf`, as llama.cpp's own tools name files. What is one file has the name that was asked for, and no
 * name ends in its type twice.
 */
export function ggufFileName(output: { format: ExportFormat; outDir: string }, type: Quantisation | 'lora'): string {
  const name = exportName(output.outDir);
  const told = isOneFile(output) || name.endsWith(`-${type}`);
  return told ? `${name}.gguf` : `${name}-${type}.gguf`;
}
