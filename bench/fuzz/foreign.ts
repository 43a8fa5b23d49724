/** Adapters of other runtimes, read as an import reads them. */
import path from 'node:path';
import { readForeignLora, storedForeign } from '../../src-main/adapters/formats/foreign.ts';
import { writeGgufLora } from '../../src-main/adapters/formats/ggufWrite.ts';
import { writeMlxAdapter } from '../../src-main/adapters/formats/mlxWrite.ts';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { readAdapter } from '../../src-main/methods/fileRegistry.ts';
import type { WrittenAdapter } from './adapters.ts';
import type { Reader } from './reader.ts';

const GGUF = 'lora.gguf';

/** `lora`: a plain LoRA of PEFT's, of which the others are made. */
export function foreignReaders({ dir: adapterDir, baseDir }: WrittenAdapter): Reader[] {
  const base = openBaseModel(baseDir);
  const source = { base, content: readAdapter(adapterDir).on(base), adapterDir };
  const read = (file: string): string[] => {
    storedForeign(readForeignLora(file)!).on(base);
    return [];
  };
  return [
    {
      name: 'adapter of mlx-lm',
      async write(dir) {
        await writeMlxAdapter({ ...source, outDir: dir });
        return { 'adapter_config.json': 'json', 'adapters.safetensors': 'safetensors' };
      },
      read,
    },
    {
      name: 'LoRA in GGUF',
      async write(dir) {
        await writeGgufLora({ ...source, outFile: path.join(dir, GGUF) });
        return { [GGUF]: 'bytes' };
      },
      read: (dir) => read(path.join(dir, GGUF)),
    },
  ];
}
