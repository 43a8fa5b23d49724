/** Adapters by folder that are kept between requests: those in use, and the few that were used last. */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { loadWriter, PLAIN_BASE, type Writer } from './writer.ts';

/** So many that nobody uses stay loaded. */
const MOST_IDLE = 16;

export class AdapterPool {
  private readonly parts: { base: BaseModel; tokenizer: TextTokenizer };
  /** By folder, the one used last at the end. */
  private readonly loaded = new Map<string, { writer: Writer; users: number }>();

  constructor(parts: AdapterPool['parts']) {
    this.parts = parts;
  }

  /** What answers with this adapter, for as long as its user does not give it back. Throws as loadWriter. */
  take(dir: string | null): { writer: Writer; giveBack: () => void } {
    if (dir === null) return { writer: PLAIN_BASE, giveBack: () => undefined };
    const known = this.loaded.get(dir) ?? { writer: loadWriter(dir, this.parts), users: 0 };
    known.users++;
    this.loaded.delete(dir);
    this.loaded.set(dir, known);
    const giveBack = (): void => {
      known.users--;
      this.letGo();
    };
    return { writer: known.writer, giveBack };
  }

  dispose(): void {
    for (const { writer } of this.loaded.values()) writer.adapter?.dispose();
    this.loaded.clear();
  }

  private letGo(): void {
    const idle = [...this.loaded].filter(([, { users }]) => users === 0);
    for (const [dir, { writer }] of idle.slice(0, Math.max(0, idle.length - MOST_IDLE))) {
      writer.adapter?.dispose();
      this.loaded.delete(dir);
    }
  }
}
