/** How an export is used, by lines to copy. They name its files as they lie in its folder, and no folder of here. */
import { ollamaName } from '../../../src-shared/runLines.ts';
import { code, quoted } from './markdown.ts';
import type { CardFacts } from './facts.ts';

/** A heading and a block for each runtime. */
export function usage(facts: CardFacts): string[] {
  return runtimesOf(facts).flatMap(({ name, before = [], language, lines }) => [
    `### ${name}`,
    '',
    ...before,
    ...code(language, lines),
    '',
  ]);
}

interface Runtime {
  name: string;
  before?: string[];
  language: 'python' | 'sh';
  lines: string[];
}

function runtimesOf(facts: CardFacts): Runtime[] {
  const { format, name, files, repository, plainLora } = facts;
  const from = baseOf(facts);
  const gguf = files.find((file) => file.endsWith('.gguf')) ?? 'MODEL.gguf';
  const llamaCpp: Runtime = { name: 'llama.cpp', language: 'sh', lines: [`llama-cli -m ${quoted(gguf)}`] };
  switch (format) {
    case 'peft':
      if (!facts.inPeft)
        return [{ name: 'Graft', language: 'sh', lines: ['graft adapters import PATH-OF-THIS-FOLDER'] }];
      return [
        { name: 'transformers and PEFT', language: 'python', lines: peftLines(from, repository ?? '.') },
        ...(plainLora ? [vllm(facts)] : []),
      ];
    case 'hf':
      return [
        { name: 'transformers', language: 'python', lines: transformersLines() },
        { name: 'vLLM', language: 'sh', lines: ['vllm serve PATH-OF-THIS-FOLDER'] },
      ];
    case 'mlx':
      return [
        {
          name: 'mlx-lm',
          language: 'sh',
          lines: [`mlx_lm.generate --model ${quoted(from)} --adapter-path . --prompt "…"`],
        },
      ];
    case 'lora-gguf':
      return [
        {
          name: 'llama.cpp',
          before: ['Beside a GGUF of the very base model that it was trained on:', ''],
          language: 'sh',
          lines: [`llama-cli -m BASE.gguf --lora ${quoted(gguf)}`],
        },
      ];
    case 'ollama':
      return [ollama(name), llamaCpp];
    case 'lmstudio':
      return [{ name: 'LM Studio', language: 'sh', lines: [`lms import ${quoted(gguf)}`] }, llamaCpp];
    case 'gguf':
      return [llamaCpp];
  }
}

function baseOf({ base }: CardFacts): string {
  return base.repository ?? 'PATH-OF-THE-BASE';
}

function vllm(facts: CardFacts): Runtime {
  const adapter = `${ollamaName(facts.name)}=${facts.repository ?? 'PATH-OF-THIS-FOLDER'}`;
  const line = `vllm serve ${quoted(baseOf(facts))} --enable-lora --lora-modules ${adapter}`;
  return { name: 'vLLM', language: 'sh', lines: [line] };
}

function ollama(name: string): Runtime {
  const model = ollamaName(name);
  return { name: 'Ollama', language: 'sh', lines: [`ollama create ${model} -f Modelfile`, `ollama run ${model}`] };
}

function peftLines(base: string, adapter: string): string[] {
  return [
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    `base = AutoModelForCausalLM.from_pretrained(${quoted(base)})`,
    `model = PeftModel.from_pretrained(base, ${quoted(adapter)})`,
    `tokenizer = AutoTokenizer.from_pretrained(${quoted(base)})`,
  ];
}

function transformersLines(): string[] {
  return [
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    'model = AutoModelForCausalLM.from_pretrained(".")',
    'tokenizer = AutoTokenizer.from_pretrained(".")',
  ];
}
