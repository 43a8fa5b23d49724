/**
 * The certificate of a GGUF file: read back by a second reader, then run by llama.cpp, where it is installed, beside
 * what it was made from (base + adapter, or a model as it is) in Graft's engine. The reading comes first, since
 * llama.cpp ends the process at some broken files.
 */
import fs from 'node:fs';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { ggufTokenizer } from '../../gguf/tokenizer/toGguf.ts';
import { loadLlamacpp, openRunner, type LlamacppRunner } from '../../llamacpp/runtime.ts';
import { recheckGguf, typesOfGguf } from '../../recheck/gguf/recheckGguf.ts';
import { recheckGgufLora } from '../../recheck/gguf/recheckLora.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { isAsItIs, referenceName } from '../../../src-shared/exportFormats.ts';
import type { TaskDir } from '../../../src-shared/exports.ts';
import type { GgufCertificate, GgufRun } from '../../../src-shared/ggufCertificate.ts';
import { FIXED_TEXTS } from '../verify/heldOutPrompts.ts';
import { referencesOf, type Reference } from '../verify/reference.ts';
import { fileReferences } from './fileReferences.ts';
import { klBoundOf } from './klBounds.ts';
import { distancesOf, tokenProblems } from './runGguf.ts';

export interface CertifyGgufParams {
  /** The whole model; with `adapter` the base alone. */
  file: string;
  /** A LoRA in GGUF that acts on `file` at run time, and is what the certificate is for. */
  adapter?: string;
  /** The source; the caller has chosen the engine that runs it (useBackend). */
  base: BaseModel;
  /** What was merged, or what `adapter` holds; none for a model as it is. */
  tasks: TaskDir[];
  /** As heldOutPrompts gives them. */
  prompts: Int32Array[];
  /** Ids that end an answer beside those that the base names. */
  endIds?: readonly number[];
  /** Of several files of one model: what base + adapter computes on the prompts, computed once (referencesOf). */
  references?: readonly Reference[];
  /** Returns a certificate that has failed, marked as wanted all the same. */
  allowFailedCertificate?: boolean;
  /** Stops the work with the signal's reason. */
  signal?: AbortSignal;
  /** Prompts done, counted twice: in Graft's engine, in llama.cpp. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Throws GraftError PARITY_FAILED for a file that does not pass and is not wanted all the same, with the certificate in
 * its details; the file is removed then. LLAMACPP_REFUSED for one that llama.cpp does not take.
 */
export async function certifyGguf(params: CertifyGgufParams): Promise<GgufCertificate> {
  const { file, adapter, base, tasks, signal, allowFailedCertificate } = params;
  signal?.throwIfAborted();
  const reading =
    adapter === undefined
      ? await recheckGguf({ file, sourceDir: base.dir, tasks })
      : await recheckGgufLora({ file: adapter, sourceDir: base.dir, tasks });
  signal?.throwIfAborted();
  // A file that is not sound may take the process down.
  const run = reading.passed ? await runIfInstalled(params) : null;
  const passed = reading.passed && (run?.passed ?? true);
  const certificate: GgufCertificate = { reading, run, passed, ...(passed ? {} : { keptDespiteFailure: true }) };
  if (passed || allowFailedCertificate) return certificate;
  fs.rmSync(adapter ?? file, { force: true });
  throw failed(certificate, tasks);
}

async function runIfInstalled(params: CertifyGgufParams): Promise<GgufRun | null> {
  try {
    await loadLlamacpp();
  } catch (error) {
    if (error instanceof GraftError && error.code === 'LLAMACPP_ABSENT') return null;
    throw error;
  }
  return run(params);
}

async function run({
  file,
  adapter,
  base,
  tasks,
  prompts,
  endIds = [],
  references,
  signal,
  onProgress,
}: CertifyGgufParams): Promise<GgufRun> {
  const total = (references ? 1 : 2) * prompts.length;
  let done = 0;
  const onPrompt = (): void => {
    signal?.throwIfAborted();
    onProgress?.(++done, total);
  };
  const ours = references ?? (await referencesOf(base, tasks, prompts, onPrompt));
  const longest = Math.max(...ours.map(({ ids }) => ids.length));
  // Before llama.cpp's package sees the file: it reads some that are none for ever.
  const { bound: klBound, of } = klBoundOf(Object.keys(await typesOfGguf(file)));
  const runner = await openRunner(file, { vocab: base.spec.vocab, contextLength: longest, adapter });
  try {
    const tokenizer = loadTokenizer(base.dir);
    const heldOut = prompts.map((ids) => tokenizer.decode(ids, { skipSpecialTokens: false }));
    const differencesKnown = ggufTokenizer(base.dir, base.config, { endIds }).notes.length > 0;
    const tokens = tokenProblems({ fixed: FIXED_TEXTS, heldOut, differencesKnown }, tokenizer, runner, endIds);
    const distances = await distancesOf(runner, ours, onPrompt);
    const fileKl = of === 'file' ? await fileKlOf(file, runner, ours, signal) : null;
    const problems = [...tokens.problems];
    if (!((fileKl ?? distances.kl) <= klBound))
      problems.push(divergence(fileKl === null ? referenceName({ tasks }) : OWN_FILE, fileKl ?? distances.kl, klBound));
    const { texts, equalTexts } = tokens;
    return {
      ...distances,
      fileKl,
      klBound,
      texts,
      equalTexts,
      problems,
      passed: problems.length === 0,
    };
  } finally {
    await runner.dispose();
  }
}

async function fileKlOf(
  file: string,
  runner: LlamacppRunner,
  references: readonly Reference[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const own = await fileReferences(file, references);
  const { kl } = await distancesOf(runner, own, () => signal?.throwIfAborted());
  return kl;
}

const OWN_FILE = "the same file in Graft's engine";

function divergence(from: string, by: number, bound: number): string {
  return `llama.cpp's next tokens diverge from ${from} by ${by.toPrecision(3)} nats, above the bound ${bound}`;
}

function failed(certificate: GgufCertificate, tasks: TaskDir[]): GraftError {
  const problems = [...certificate.reading.problems, ...(certificate.run?.problems ?? [])];
  const [first, ...more] = problems;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  const source = isAsItIs({ tasks }) ? 'the model gives' : 'base and adapter give';
  return new GraftError(
    'PARITY_FAILED',
    `The GGUF file is not what ${source}: ${first}${others}; nothing was exported, make sure that its source does ` +
      'not change meanwhile, try a finer quantisation, or allow an export whose certificate has failed.',
    { certificate },
  );
}
