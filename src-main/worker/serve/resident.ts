/**
 * A base model that stays loaded: switching replaces only the adapter's own parameters, and prompts are answered at
 * once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { deviceFailure } from '../../engine/backends/deviceWatch.ts';
import { MergedTasks } from '../../methods/mergedTasks.ts';
import type { ScaledAdapter } from '../../methods/taskSum.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { countParameters } from '../../engine/model/parameters.ts';
import type { CallControl } from '../control.ts';
import { commonTemplate } from '../../exporting/chatTemplate.ts';
import { useBackend } from '../backend.ts';
import type {
  AnswerPiece,
  CompareEvent,
  GenerateParams,
  GenerateResult,
  LoadResult,
  MixParams,
} from '../../../src-shared/generation.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { TaskDir } from '../../../src-shared/exports.ts';
import type { LoadProgress } from '../../../src-shared/loadProgress.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { answerAlone, answerEach } from './answerEach.ts';
import { AnswersTogether } from './answersTogether.ts';
import { mostColumns } from './columns.ts';
import { Mix } from './mix.ts';
import { loadWriter, PLAIN_BASE, type Writer } from './writer.ts';

interface Loaded {
  engine: BackendName;
  base: BaseModel;
  tokenizer: TextTokenizer;
  model: Decoder;
  writer: Writer;
  /** What is merged into the weights; nothing, as a rule. */
  merged: MergedTasks;
  /** Owns the writer's adapters where two are mixed. */
  mix?: Mix | undefined;
  /** Answers of many requests at once, from the first on. */
  together?: AnswersTogether | undefined;
}

export class Resident {
  private loaded: Loaded | null = null;

  /** Loads a base and frees the one before. */
  async load(
    { engine, modelDir, ...forms }: WorkerCalls['load']['params'],
    onProgress: (event: LoadProgress) => void = () => undefined,
  ): Promise<LoadResult> {
    const started = performance.now();
    const base = openBaseModel(modelDir);
    try {
      const tokenizer = loadTokenizer(modelDir);
      const { device } = await useBackend(engine);
      this.unload();
      const model = await loadDecoder(base, { ...forms, onProgress });
      this.loaded = { engine, base, tokenizer, model, writer: PLAIN_BASE, merged: new MergedTasks(model) };
      const totalParameters = countParameters(model.weights.values());
      const chatTemplate = tokenizer.chatTemplate !== undefined;
      return {
        engine,
        device,
        loadMs: performance.now() - started,
        totalParameters,
        chatTemplate,
        memoryBytes: heldBytes(engine),
      };
    } catch (error) {
      base.close();
      throw error;
    }
  }

  /** Puts another adapter (or none) on the loaded base; the old one stays in place if the new one does not fit. */
  async attach(adapterDir: string | null): Promise<{ switchMs: number }> {
    const loaded = this.requireLoaded();
    const started = performance.now();
    put(loaded, adapterDir === null ? PLAIN_BASE : loadWriter(adapterDir, loaded));
    loaded.merged.switchTo([]);
    return { switchMs: performance.now() - started };
  }

  /**
   * Merges adapters into the loaded weights instead, so that they answer as fast as the plain base. Nothing changes
   * where one cannot be merged.
   */
  async mergeInto(tasks: TaskDir[]): Promise<{ switchMs: number }> {
    const loaded = this.requireLoaded();
    const started = performance.now();
    const adapters: ScaledAdapter[] = [];
    const endIds: number[] = [];
    try {
      for (const { adapterDir, scale } of tasks) {
        const writer = loadWriter(adapterDir, loaded);
        adapters.push({ adapter: writer.adapter, scale });
        endIds.push(...writer.endIds);
      }
      loaded.merged.switchTo(adapters);
    } finally {
      for (const { adapter } of adapters) adapter.dispose();
    }
    put(loaded, { adapter: null, endIds, promptTemplate: commonTemplate(tasks.map(({ adapterDir }) => adapterDir)) });
    return { switchMs: performance.now() - started };
  }

  /**
   * Puts two adapters on the loaded base at once; only the share changes where they are there already. Nothing changes
   * where one cannot be mixed.
   */
  async mix({ adapterDirs, share }: MixParams): Promise<{ switchMs: number }> {
    const loaded = this.requireLoaded();
    const started = performance.now();
    const mix = loaded.mix?.isOf(adapterDirs) ? loaded.mix : new Mix(adapterDirs, loaded);
    put(loaded, mix.writer(share), mix);
    loaded.merged.switchTo([]);
    return { switchMs: performance.now() - started };
  }

  async generate(
    params: GenerateParams,
    emit: (piece: AnswerPiece) => void,
    control: CallControl,
  ): Promise<GenerateResult> {
    const loaded = this.requireLoaded();
    const onEvent = (event: CompareEvent): void => {
      if (event.type !== 'text') return;
      const { type: _, row: __, ...piece } = event;
      emit(piece);
    };
    return answerAlone(loaded, loaded.writer, 0, { params, emit: onEvent, control });
  }

  /**
   * The prompt once per adapter (null: the plain base); the attached adapter plays no part, and what was merged is
   * taken out.
   */
  async compare(
    { adapterDirs, ...params }: WorkerCalls['compare']['params'],
    emit: (event: CompareEvent) => void,
    control: CallControl,
  ): Promise<GenerateResult[]> {
    const loaded = this.requireLoaded();
    loaded.merged.switchTo([]);
    const writers = new Map<string | null, Writer>([[null, PLAIN_BASE]]);
    try {
      for (const dir of adapterDirs) if (dir !== null && !writers.has(dir)) writers.set(dir, loadWriter(dir, loaded));
      return await answerEach(
        loaded,
        adapterDirs.map((dir) => writers.get(dir) ?? PLAIN_BASE),
        { params, emit, control },
      );
    } finally {
      for (const { adapter } of writers.values()) adapter?.dispose();
    }
  }

  /** One of many answers at once; what was attached plays no part, and what was merged is taken out. */
  async answer(
    { adapterDir, ...params }: WorkerCalls['answer']['params'],
    emit: (piece: AnswerPiece) => void,
    control: CallControl,
  ): Promise<GenerateResult> {
    if (params.grammar)
      throw usageError(
        'GRAMMAR_MISSING',
        'JSON by grammar needs llama.cpp, and this service runs on an engine of Graft; ask for JSON in words, or ' +
          'serve an exported GGUF file (graft serve --gguf).',
      );
    const loaded = this.requireLoaded();
    loaded.merged.switchTo([]);
    loaded.together ??= new AnswersTogether(loaded, mostColumns(loaded.model.spec));
    return loaded.together.answer(params, adapterDir, emit, control);
  }

  private requireLoaded(): Loaded {
    if (!this.loaded) throw usageError('NO_MODEL_LOADED', 'No base model is loaded; load one first.');
    const failure = this.loaded.engine === 'webgpu' ? deviceFailure() : null;
    if (failure) throw failure; // its weights are gone with the device; loading again asks for another one
    return this.loaded;
  }

  private unload(): void {
    if (!this.loaded) return;
    put(this.loaded, PLAIN_BASE);
    this.loaded.together?.dispose();
    this.loaded.merged.switchTo([]);
    this.loaded.model.dispose();
    this.loaded.base.close();
    this.loaded = null;
  }
}

/** `mix`: whose writer it is. */
function put(loaded: Loaded, writer: Writer, mix?: Mix): void {
  if (!loaded.mix) loaded.writer.adapter?.dispose();
  else if (loaded.mix !== mix) loaded.mix.dispose();
  loaded.writer = writer;
  loaded.mix = mix;
}

/** Memory that the engine holds for the model; a card's counts only its tensors. */
function heldBytes(engine: BackendName): number {
  return engine === 'webgpu' ? tf.memory().numBytes : process.memoryUsage.rss();
}
