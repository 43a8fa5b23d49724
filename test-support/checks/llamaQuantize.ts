/**
 * llama_model_quantize of the prebuilt libllama, which llama-quantize calls: a whole file from a whole file. In a
 * process of its own, since it writes to stderr and ends the process where it fails.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ggmlLibrary } from '../../src-main/llamacpp/ggml.ts';

/** The fields of llama_model_quantize_params in llama.h. */
const SCRIPT = `
  const koffi = require('koffi');
  const [library, input, output, ftype] = process.argv.slice(1);
  const llama = koffi.load(library);
  koffi.struct('params', {
    nthread: 'int32', ftype: 'int', output_tensor_type: 'int', token_embedding_type: 'int', allow_requantize: 'bool',
    quantize_output_tensor: 'bool', only_copy: 'bool', pure: 'bool', keep_split: 'bool', dry_run: 'bool',
    imatrix: 'void *', kv_overrides: 'void *', tt_overrides: 'void *', prune_layers: 'void *',
  });
  const usual = llama.func('params llama_model_quantize_default_params()')();
  const quantize = llama.func('uint32 llama_model_quantize(str, str, params *)');
  process.exit(quantize(input, output, { ...usual, nthread: 1, ftype: Number(ftype) }));
`;

/** Absent where the prebuilt library is not installed. */
export function libllama(): string | undefined {
  const folder = path.dirname(ggmlLibrary() ?? '');
  const file = fs.readdirSync(folder).find((name) => /^(lib)?llama\.(v[\d.]+\.)?(so|dylib|dll)$/.test(name));
  return file === undefined ? undefined : path.join(folder, file);
}

/** Writes `output`, which is `input` in another `enum llama_ftype`. */
export function llamaQuantize(input: string, output: string, ftype: number): void {
  execFileSync(process.execPath, ['-e', SCRIPT, libllama()!, input, output, String(ftype)], {
    stdio: 'ignore',
    timeout: 60_000,
  });
}
