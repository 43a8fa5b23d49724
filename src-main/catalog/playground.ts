/** What was asked in the playground and answered, and the score of blind comparisons. */
import type { Database } from 'better-sqlite3';

/** What was asked, with everything that made the answers. */
export interface HistoryRequest {
  mode: 'completion' | 'chat';
  /** The same prompt went to several, side by side. */
  compare: boolean;
  blind: boolean;
  /** Empty: none. */
  system: string;
  /** Two adapters answered as one, `share` of the second. */
  mix?: { adapterIds: [string, string]; share: number } | undefined;
  /** One, or in a chat one per turn. */
  prompts: string[];
  sampling: HistorySampling;
}

export interface HistorySampling {
  maxNew: number;
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
  repetitionPenalty?: number | undefined;
  seed?: number | undefined;
  stop: string[];
}

/** One answer: to each prompt of a chat in turn, or of each of those who were compared. */
export interface HistoryAnswer {
  /** Who answered: an adapter or a run; null: the plain base. */
  by: string | null;
  /** As it was called then. */
  name: string;
  text: string;
  tokens: number;
  tokensPerSecond: number;
  stopReason: 'length' | 'eos' | 'stop' | 'cancelled';
}

/** A completion, comparison or conversation, as it can be shown and asked again. */
export interface HistoryEntry {
  id: string;
  modelId: string | null;
  /** As it was then. */
  modelName: string;
  /** What was asked, for the list. */
  title: string;
  request: HistoryRequest;
  answers: HistoryAnswer[];
  createdAt: string;
}

export type HistoryHead = Pick<HistoryEntry, 'id' | 'modelName' | 'title' | 'createdAt'>;

export type Outcome = 'won' | 'tied' | 'lost';

interface VoteEntry {
  /** Null: the plain base. */
  adapterId: string | null;
  outcome: Outcome;
}

export interface Score {
  adapterId: string | null;
  won: number;
  tied: number;
  lost: number;
}

interface HistoryRow {
  id: string;
  model_id: string | null;
  model_name: string;
  title: string;
  request: string;
  answers: string;
  created_at: string;
}

interface ScoreRow {
  adapter_id: string | null;
  won: number;
  tied: number;
  lost: number;
}

const toEntry = (row: HistoryRow): HistoryEntry => ({
  id: row.id,
  modelId: row.model_id,
  modelName: row.model_name,
  title: row.title,
  request: JSON.parse(row.request) as HistoryRequest,
  answers: JSON.parse(row.answers) as HistoryAnswer[],
  createdAt: row.created_at,
});

export function playgroundQueries(db: Database) {
  return { history: historyQueries(db), votes: voteQueries(db) };
}

function historyQueries(db: Database) {
  const search = db.prepare<[string, string, number], Pick<HistoryRow, 'id' | 'model_name' | 'title' | 'created_at'>>(
    `SELECT id, model_name, title, created_at FROM playground_history
     WHERE title LIKE ? ESCAPE '!' OR model_name LIKE ? ESCAPE '!' ORDER BY created_at DESC, rowid DESC LIMIT ?`,
  );
  const byId = db.prepare<[string], HistoryRow>('SELECT * FROM playground_history WHERE id = ?');
  const save = db.prepare(
    `INSERT INTO playground_history (id, model_id, model_name, title, request, answers, created_at)
     VALUES (@id, @modelId, @modelName, @title, @request, @answers, @createdAt)
     ON CONFLICT (id) DO UPDATE SET title = excluded.title, request = excluded.request, answers = excluded.answers`,
  );
  const remove = db.prepare<[string]>('DELETE FROM playground_history WHERE id = ?');
  const clear = db.prepare('DELETE FROM playground_history');
  return {
    /** Newest first, those whose title or model holds `text`, letter case aside. */
    list(text: string, limit: number): HistoryHead[] {
      const pattern = `%${text.replace(/[!%_]/g, '!$&')}%`;
      return search
        .all(pattern, pattern, limit)
        .map((row) => ({ id: row.id, modelName: row.model_name, title: row.title, createdAt: row.created_at }));
    },
    get(id: string): HistoryEntry | undefined {
      const row = byId.get(id);
      return row && toEntry(row);
    },
    /** Inserts the entry, or brings the one with its id up to date. */
    save: (entry: HistoryEntry) =>
      void save.run({ ...entry, request: JSON.stringify(entry.request), answers: JSON.stringify(entry.answers) }),
    /** True when there was one. */
    remove: (id: string) => remove.run(id).changes > 0,
    /** How many there were. */
    clear: () => clear.run().changes,
  };
}

function voteQueries(db: Database) {
  const insert = db.prepare('INSERT INTO playground_votes (model_id, created_at) VALUES (?, ?)');
  const insertEntry = db.prepare('INSERT INTO playground_vote_entries (vote_id, adapter_id, outcome) VALUES (?, ?, ?)');
  const scores = db.prepare<[string], ScoreRow>(
    `SELECT e.adapter_id, sum(e.outcome = 'won') AS won, sum(e.outcome = 'tied') AS tied,
       sum(e.outcome = 'lost') AS lost
     FROM playground_votes v JOIN playground_vote_entries e ON e.vote_id = v.id
     WHERE v.model_id = ? GROUP BY e.adapter_id`,
  );
  const reset = db.prepare<[string]>('DELETE FROM playground_votes WHERE model_id = ?');
  return {
    /** One vote with all who took part, whole or not at all. */
    cast: db.transaction((modelId: string, entries: VoteEntry[], createdAt: string): void => {
      const { lastInsertRowid } = insert.run(modelId, createdAt);
      for (const { adapterId, outcome } of entries) insertEntry.run(lastInsertRowid, adapterId, outcome);
    }),
    /** Of everyone who took part in a vote on this base. */
    scores: (modelId: string): Score[] =>
      scores.all(modelId).map(({ adapter_id: adapterId, won, tied, lost }) => ({ adapterId, won, tied, lost })),
    reset: (modelId: string) => void reset.run(modelId),
  };
}
