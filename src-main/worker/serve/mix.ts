/** Two adapters on one base at once: W + (1 - t)·dW1 + t·dW2, without touching the base's weights. */
import { usageError } from '../../../src-shared/errors.ts';
import type { MixParams } from '../../../src-shared/generation.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { TaskSum } from '../../methods/taskSum.ts';
import { loadWriter, type Writer } from './writer.ts';

type LoadedWriter = ReturnType<typeof loadWriter>;

export class Mix {
  readonly #dirs: MixParams['adapterDirs'];
  readonly #writers: [LoadedWriter, LoadedWriter];

  /** Throws as loadWriter, and NOT_ADDITIVE for a method whose effect is no sum. */
  constructor(dirs: MixParams['adapterDirs'], parts: Parameters<typeof loadWriter>[1]) {
    const first = additive(dirs[0], parts);
    try {
      this.#writers = [first, additive(dirs[1], parts)];
    } catch (error) {
      first.adapter.dispose();
      throw error;
    }
    this.#dirs = dirs;
  }

  isOf(dirs: MixParams['adapterDirs']): boolean {
    return dirs.every((dir, i) => dir === this.#dirs[i]);
  }

  /**
   * What writes at t = `share`: at 0 and 1 the adapters themselves, so that the answers are theirs to the last bit. It
   * stays the mix's own.
   */
  writer(share: number): Writer {
    const [one, other] = this.#writers;
    if (share === 0) return one;
    if (share === 1) return other;
    const adapter = new TaskSum([
      { adapter: one.adapter, scale: 1 - share },
      { adapter: other.adapter, scale: share },
    ]);
    // Two frames cannot be mixed: the nearer one's stands.
    const { promptTemplate } = share < 0.5 ? one : other;
    return { adapter, endIds: [...new Set([...one.endIds, ...other.endIds])], promptTemplate };
  }

  dispose(): void {
    for (const { adapter } of this.#writers) adapter.dispose();
  }
}

function additive(dir: string, parts: Parameters<typeof loadWriter>[1]): LoadedWriter {
  const writer = loadWriter(dir, parts);
  if (onlyAdds(writer.adapter)) return writer;
  writer.adapter.dispose();
  throw usageError(
    'NOT_ADDITIVE',
    `The adapter in ${dir} does more than add to weights, so there is nothing in between to mix; choose adapters ` +
      'that only add, such as LoRA, LoHa or LoKr.',
    { adapter: dir },
  );
}

function onlyAdds(adapter: Adapter): boolean {
  return (adapter.updates?.() ?? null) !== null;
}
