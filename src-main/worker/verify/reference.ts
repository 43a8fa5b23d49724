/** What base + adapter computes on held-out prompts: the reference that an export is compared with. */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { generateBatch } from '../../engine/generate/batch.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { TaskSum } from '../../methods/taskSum.ts';
import { Random } from '../../../src-shared/random.ts';
import type { TaskDir } from '../../../src-shared/exports.ts';
import { allLogits, withModel } from './logits.ts';

/** Greedy tokens that base + adapter adds to each prompt. */
const CONTINUATION = 16;
/** Logits kept for comparison: 64 MiB. */
const KEPT_LOGITS = 1 << 24;

export interface Reference {
  /** Prompt and continuation. */
  ids: Int32Array;
  promptLength: number;
  /** (T, V), row by row. */
  logits: Float32Array;
}

/** One for each prompt, as far as memory allows. */
export function referencesOf(
  base: BaseModel,
  tasks: TaskDir[],
  prompts: Int32Array[],
  onPrompt: () => void,
): Promise<Reference[]> {
  return withModel(
    base,
    () => loadTasks(tasks, base),
    async (model) => {
      const tokens = (prompts[0]?.length ?? 0) + CONTINUATION;
      const kept = prompts.slice(0, Math.max(1, Math.floor(KEPT_LOGITS / (model.spec.vocab * tokens))));
      const references: Reference[] = [];
      for (const [i, ids] of (await continued(model, kept)).entries()) {
        references.push({ ids, promptLength: kept[i]!.length, logits: await allLogits(model, ids) });
        onPrompt();
      }
      return references;
    },
  );
}

/** One adapter as it is, several as the sum of scale·adapter. */
function loadTasks(tasks: TaskDir[], base: BaseModel): Adapter | null {
  const loaded = tasks.map(({ adapterDir, scale }) => ({
    adapter: loadAdapter(adapterDir, base),
    scale,
  }));
  const [first] = loaded;
  if (!first) return null;
  return loaded.length === 1 && first.scale === 1 ? first.adapter : new TaskSum(loaded);
}

/** Each prompt with its continuation. */
async function continued(model: Decoder, prompts: Int32Array[]): Promise<Int32Array[]> {
  const options = { maxNew: CONTINUATION, temperature: 0, eosIds: [], random: new Random(0) };
  const rows = prompts.map((prompt) => [...prompt]);
  for await (const event of generateBatch(
    model,
    prompts.map((prompt) => ({ prompt, options })),
  ))
    if ('id' in event) rows[event.row]!.push(event.id);
  return rows.map((ids) => Int32Array.from(ids));
}
