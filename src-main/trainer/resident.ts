/** A base model that stays loaded: switching adapters replaces only A and B, and prompts are answered at once. */
import { setImmediate } from 'node:timers/promises';
import { openCheckpoint, type Checkpoint } from '../checkpoints/checkpoint.ts';
import { encodeChatPrompt } from '../datasets/chat.ts';
import { createTextStream } from '../datasets/textStream.ts';
import { loadTokenizer, type TextTokenizer } from '../datasets/tokenizer.ts';
import { usageError } from '../errors.ts';
import { deviceFailure } from '../engine/backend/deviceWatch.ts';
import { generateTokens } from '../engine/generate/generate.ts';
import type { LoraAdapter } from '../engine/methods/lora.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { countParameters } from '../engine/model/parameters.ts';
import { Random } from '../engine/random.ts';
import { loadAdapter } from './adapterFolder.ts';
import { checkBaseDtype } from './baseDtype.ts';
import type { CallControl } from './control.ts';
import { useEngine } from './engines.ts';
import type { EngineName, GenerateParams, GenerateResult, LoadResult, WorkerCalls } from './protocol.ts';
import { loadDecoder } from './loadDecoder.ts';
import { StopText } from './stopText.ts';
import { keepTuning } from './tuning.ts';

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
      const model = loadDecoder(checkpoint, baseDtype);
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
    const prompt = params.chat ? encodeChatPrompt(tokenizer, [{ role: 'user', content: params.prompt }]) : tokenizer.encodePrompt(params.prompt);
    const stream = createTextStream(tokenizer, prompt);
    const filter = new StopText(params.stop ?? []);
    let text = '';
    const show = (piece: string): void => {
      if (piece === '') return;
      text += piece;
      emit({ text: piece });
    };
    const started = performance.now();
    const eosIds = [...new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds])];
    const { maxNew, temperature, topK, topP } = params;
    const tokens = generateTokens(model, prompt, { maxNew, temperature, topK, topP, eosIds, random: new Random(params.seed ?? 0) });
    let count = 0;
    let next = await tokens.next();
    for (; !next.done && !filter.stopped && !control.stopped; next = await tokens.next()) {
      count++;
      show(filter.push(stream.push(next.value)));
      await keepTuning();
      await setImmediate(); // libtensorflow answers at once: without this no message would get in between two tokens
    }
    const stopReason = filter.stopped ? 'stop' : next.done ? next.value : 'cancelled';
    if (!next.done) await tokens.return('length');
    show(filter.push(stream.end()));
    show(filter.end());
    return { text, tokens: count, promptTokens: prompt.length, stopReason, tokensPerSecond: count / ((performance.now() - started) / 1000) };
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

