/** A base model that stays loaded: switching adapters replaces only A and B, and prompts are answered at once. */
import { openCheckpoint, type Checkpoint } from '../checkpoints/checkpoint.ts';
import { loadTokenizer, type TextTokenizer } from '../datasets/tokenizer.ts';
import { usageError } from '../errors.ts';
import { deviceFailure } from '../engine/backend/deviceWatch.ts';
import { generateBatch, generateMixed, type BatchEvent, type BatchRow } from '../engine/generate/generate.ts';
import type { LoraAdapter } from '../engine/methods/lora.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { countParameters } from '../engine/model/parameters.ts';
import { loadAdapter } from './adapterFolder.ts';
import { answerRows } from './answers.ts';
import { checkBaseDtype } from './baseDtype.ts';
import type { CallControl } from './control.ts';
import { useEngine } from './engines.ts';
import type { EngineName, GenerateParams, GenerateResult, LoadResult, WorkerCalls } from './protocol.ts';
import { loadDecoder } from './loadDecoder.ts';

interface Loaded {
  engine: EngineName;
  checkpoint: Checkpoint;
  tokenizer: TextTokenizer;
  model: Decoder;
  adapter: LoraAdapter | null;
}

export class Resident {
  private loaded: Loaded | null = null;

  /** Loads a base and frees the one before. */
  async load({ engine, modelDir, baseDtype }: WorkerCalls['load']['params']): Promise<LoadResult> {
    checkBaseDtype(baseDtype, engine);
    const started = performance.now();
    const tokenizer = loadTokenizer(modelDir);
    const checkpoint = openCheckpoint(modelDir);
    try {
      const { device } = await useEngine(engine);
      this.unload();
      const model = loadDecoder(checkpoint, { baseDtype, forwardOnly: true });
      this.loaded = { engine, checkpoint, tokenizer, model, adapter: null };
      return { engine, device, loadMs: performance.now() - started, totalParameters: countParameters(model.weights.values()) };
    } catch (error) {
      checkpoint.close();
      throw error;
    }
  }

  /** Puts another adapter (or none) on the loaded base; the old one stays in place if the new one does not fit. */
  async attach(adapterDir: string | null): Promise<{ switchMs: number }> {
    const loaded = this.requireLoaded();
    const started = performance.now();
    const next = adapterDir === null ? null : loadAdapter(adapterDir, loaded.checkpoint);
    loaded.adapter?.dispose();
    loaded.adapter = next;
    loaded.model.adapter = next;
    return { switchMs: performance.now() - started };
  }

  async generate(params: GenerateParams, emit: (event: { text: string }) => void, control: CallControl): Promise<GenerateResult> {
    const { model, tokenizer } = this.requireLoaded();
    const decode = (rows: BatchRow[]): AsyncGenerator<BatchEvent, void> => generateBatch(model, rows);
    const [result] = await answerRows({ model, tokenizer, params, rows: 1, decode, emit: (_row, text) => emit({ text }), control });
    return result!;
  }

  /** The prompt once per adapter (null: the plain base), decoded as one batch; the attached adapter plays no part. */
  async compare({ adapterDirs, ...params }: WorkerCalls['compare']['params'], control: CallControl): Promise<GenerateResult[]> {
    const { model, tokenizer, checkpoint } = this.requireLoaded();
    const adapters = new Map<string | null, LoraAdapter | null>([[null, null]]);
    try {
      for (const dir of adapterDirs) if (dir !== null && !adapters.has(dir)) adapters.set(dir, loadAdapter(dir, checkpoint));
      const decode = (rows: BatchRow[]): AsyncGenerator<BatchEvent, void> => generateMixed(model, rows.map((row, i) => ({ ...row, adapter: adapters.get(adapterDirs[i]!)! })));
      return await answerRows({ model, tokenizer, params, rows: adapterDirs.length, decode, control });
    } finally {
      for (const adapter of adapters.values()) adapter?.dispose();
    }
  }

  private requireLoaded(): Loaded {
    if (!this.loaded) throw usageError('NO_MODEL_LOADED', 'No base model is loaded; load one first.');
    const failure = this.loaded.engine === 'webgpu' ? deviceFailure() : null;
    if (failure) throw failure; // its weights are gone with the device; loading again asks for another one
    return this.loaded;
  }

  private unload(): void {
    if (!this.loaded) return;
    this.loaded.adapter?.dispose();
    this.loaded.model.dispose();
    this.loaded.checkpoint.close();
    this.loaded = null;
  }
}

