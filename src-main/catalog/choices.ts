/** Choices between answers that were made in the playground, and the datasets that were made of them. */
import type { Database } from 'better-sqlite3';
import type { ChoiceKind, ChoicePrompt } from '../../src-shared/choices.ts';

export interface ChoicePair {
  prompt: ChoicePrompt;
  chosen: string;
  rejected: string;
}

export interface ChoiceMark {
  prompt: ChoicePrompt;
  answer: string;
  good: boolean;
}

type PairRow = Record<'prompt' | 'chosen' | 'rejected', string>;
interface MarkRow {
  prompt: string;
  answer: string;
  good: number;
}

export function choiceQueries(db: Database) {
  const pairs = db.prepare<[], PairRow>('SELECT prompt, chosen, rejected FROM choice_pairs ORDER BY id');
  const marks = db.prepare<[], MarkRow>('SELECT prompt, answer, good FROM choice_marks ORDER BY id');
  const putPair = db.prepare(
    `INSERT INTO choice_pairs (prompt, chosen, rejected, origin, created_at)
     VALUES (@prompt, @chosen, @rejected, @origin, @createdAt) ON CONFLICT DO NOTHING`,
  );
  const dropPair = db.prepare<[string, string, string]>(
    'DELETE FROM choice_pairs WHERE prompt = ? AND chosen = ? AND rejected = ?',
  );
  const dropEdits = db.prepare<[string, string]>(
    "DELETE FROM choice_pairs WHERE prompt = ? AND rejected = ? AND origin = 'edit'",
  );
  const putMark = db.prepare(
    `INSERT INTO choice_marks (prompt, answer, good, created_at) VALUES (@prompt, @answer, @good, @createdAt)
     ON CONFLICT (prompt, answer) DO UPDATE SET good = excluded.good`,
  );
  const dropMark = db.prepare<[string, string]>('DELETE FROM choice_marks WHERE prompt = ? AND answer = ?');
  const counts = db.prepare<[], { pairs: number; good: number; bad: number }>(
    `SELECT (SELECT count(*) FROM choice_pairs) AS pairs, (SELECT count(*) FROM choice_marks WHERE good = 1) AS good,
       (SELECT count(*) FROM choice_marks WHERE good = 0) AS bad`,
  );
  const clearPairs = db.prepare('DELETE FROM choice_pairs');
  const clearMarks = db.prepare('DELETE FROM choice_marks');
  const dataset = db.prepare<[string], string>('SELECT dataset_id FROM choice_datasets WHERE kind = ?').pluck();
  const setDataset = db.prepare<[string, string]>(
    `INSERT INTO choice_datasets (kind, dataset_id) VALUES (?, ?)
     ON CONFLICT (kind) DO UPDATE SET dataset_id = excluded.dataset_id`,
  );
  return {
    /** In the order in which they were made. */
    pairs: (): ChoicePair[] => pairs.all().map((row) => ({ ...row, prompt: promptOf(row.prompt) })),
    marks: (): ChoiceMark[] =>
      marks.all().map((row) => ({ ...row, prompt: promptOf(row.prompt), good: row.good === 1 })),
    counts: () => counts.get()!,
    /** The other way round replaces it: the newer choice counts. */
    putPairs: db.transaction((given: readonly ChoicePair[], origin: 'vote' | 'edit', createdAt: string): void => {
      for (const { prompt: asked, chosen, rejected } of given) {
        const prompt = JSON.stringify(asked);
        // Of one answer the last edit counts.
        if (origin === 'edit') dropEdits.run(prompt, rejected);
        dropPair.run(prompt, rejected, chosen);
        putPair.run({ prompt, chosen, rejected, origin, createdAt });
      }
    }),
    putMark: ({ prompt, answer, good }: ChoiceMark, createdAt: string): void =>
      void putMark.run({ prompt: JSON.stringify(prompt), answer, good: good ? 1 : 0, createdAt }),
    dropMark: (prompt: ChoicePrompt, answer: string): void => void dropMark.run(JSON.stringify(prompt), answer),
    clear: (kind: ChoiceKind): void => void (kind === 'pairs' ? clearPairs : clearMarks).run(),
    /** Of the dataset that was made of them, also where it has been removed since. */
    dataset: (kind: ChoiceKind): string | undefined => dataset.get(kind),
    setDataset: (kind: ChoiceKind, datasetId: string): void => void setDataset.run(kind, datasetId),
  };
}

function promptOf(json: string): ChoicePrompt {
  return JSON.parse(json) as ChoicePrompt;
}
