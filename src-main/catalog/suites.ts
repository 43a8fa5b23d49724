/** Suites, their questions, and the results of models and adapters. */
import type { Database } from 'better-sqlite3';
import type { MeasuredSubject, Suite, SuiteQuestion, SuiteResultFacts, SuiteSpec } from '../../src-shared/suites.ts';

/** Rows of a suite as its dataset had them. */
export interface SuiteContent {
  questions: SuiteQuestion[];
  /** Of the general set; empty without one. */
  general: Pick<SuiteQuestion, 'line' | 'values'>[];
}

/** What a subject made of each row. */
type SuiteResultRows = Pick<MeasuredSubject, 'answers' | 'statistics'>;
export type SuiteResult = SuiteResultFacts & SuiteResultRows;

interface Row {
  id: string;
  name: string;
  spec: string;
  after_task_id: string | null;
  created_at: string;
}

const toSuite = (row: Row): Suite => ({
  id: row.id,
  name: row.name,
  spec: JSON.parse(row.spec) as SuiteSpec,
  afterTaskId: row.after_task_id,
  createdAt: row.created_at,
});

export function suiteQueries(db: Database) {
  const columns = 'id, name, spec, after_task_id, created_at';
  const list = db.prepare<[], Row>(`SELECT ${columns} FROM suites ORDER BY created_at DESC, rowid DESC`);
  const byId = db.prepare<[string], Row>(`SELECT ${columns} FROM suites WHERE id = ?`);
  const byName = db.prepare<[string], Row>(`SELECT ${columns} FROM suites WHERE name = ?`);
  const content = db.prepare<[string], { questions: string; general: string }>(
    'SELECT questions, general FROM suites WHERE id = ?',
  );
  const insert = db.prepare(
    `INSERT INTO suites (${columns}, questions, general)
     VALUES (@id, @name, @spec, @afterTaskId, @createdAt, @questions, @general)`,
  );
  const setAfter = db.prepare<[string | null, string]>('UPDATE suites SET after_task_id = ? WHERE id = ?');
  const remove = db.prepare<[string]>('DELETE FROM suites WHERE id = ?');
  const results = db.prepare<[string], { facts: string }>(
    'SELECT facts FROM suite_results WHERE suite_id = ? ORDER BY rowid',
  );
  const result = db.prepare<[string, string], { facts: string; rows: string }>(
    'SELECT facts, rows FROM suite_results WHERE suite_id = ? AND subject_id = ?',
  );
  const put = db.prepare<[string, string, string, string]>(
    'INSERT OR REPLACE INTO suite_results (suite_id, subject_id, facts, rows) VALUES (?, ?, ?, ?)',
  );
  return {
    /** Newest first. */
    list: () => list.all().map(toSuite),
    get(id: string): Suite | undefined {
      const row = byId.get(id);
      return row && toSuite(row);
    },
    named(name: string): Suite | undefined {
      const row = byName.get(name);
      return row && toSuite(row);
    },
    content(id: string): SuiteContent | undefined {
      const row = content.get(id);
      return (
        row && {
          questions: JSON.parse(row.questions) as SuiteContent['questions'],
          general: JSON.parse(row.general) as SuiteContent['general'],
        }
      );
    },
    insert: ({ spec, questions, general, ...suite }: Suite & SuiteContent) =>
      void insert.run({
        ...suite,
        spec: JSON.stringify(spec),
        questions: JSON.stringify(questions),
        general: JSON.stringify(general),
      }),
    setAfterTask: (id: string, taskId: string | null) => void setAfter.run(taskId, id),
    /** With its results. */
    remove: (id: string) => void remove.run(id),
    results: (id: string): SuiteResultFacts[] =>
      results.all(id).map(({ facts }) => JSON.parse(facts) as SuiteResultFacts),
    result(id: string, subjectId: string): SuiteResult | undefined {
      const row = result.get(id, subjectId);
      return row && { ...(JSON.parse(row.facts) as SuiteResultFacts), ...(JSON.parse(row.rows) as SuiteResultRows) };
    },
    /** In the place of what the subject had before. */
    putResult: ({ answers, statistics, ...facts }: SuiteResult) =>
      void put.run(facts.suiteId, facts.subjectId, JSON.stringify(facts), JSON.stringify({ answers, statistics })),
  };
}
