/** Exports: whole models with their certificates, adapters by themselves, or the reason why there is none. */
import type { Database } from 'better-sqlite3';
import type { ErrorData } from '../../src-shared/errors.ts';
import type {
  ExportFormat,
  MergeParams,
  MergeResult,
  ParityCertificate,
  Quantisation,
  TaskDir,
  WrittenGguf,
} from '../../src-shared/exports.ts';

/** `sha256` is empty where the end was read from the folder, after the process that wrote it was gone. */
export type ExportResult = Omit<MergeResult, 'certificate'> & {
  /** Of a merged Hugging Face folder. */
  certificate: ParityCertificate | null;
  /** The GGUF files of a whole model, each with what llama.cpp computes of it. */
  ggufs?: WrittenGguf[];
  /** Of an adapter by itself: a LoRA as every runtime knows it. */
  plainLora?: boolean;
  /** Of an adapter by itself: the GGUF file that its base is read from. */
  baseGguf?: string;
};

export interface ExportRecord {
  id: string;
  /** Null when the adapter is not (or no longer) in the catalogue. */
  adapterId: string | null;
  adapterDir: string;
  modelDir: string;
  /** The folder, or of a GGUF that was wanted as one file that file. */
  outDir: string;
  format: ExportFormat;
  /** Where adapters were merged with scales: all of them. */
  tasks: TaskDir[] | null;
  /** Null: the base's own. */
  dtype: NonNullable<MergeParams['dtype']> | null;
  /** Types of the GGUF files; null for other formats. */
  quantise: Quantisation[] | null;
  /** Largest size of a weights file; null: files as the base has them. */
  maxShardBytes: number | null;
  status: 'running' | 'completed' | 'failed';
  /** Graft process that runs or ran it. */
  ownerPid: number;
  result: ExportResult | null;
  error: ErrorData | null;
  createdAt: string;
  endedAt: string | null;
}

/** Of one that is not `running` any more. */
export type ExportEnd = Pick<ExportRecord, 'status' | 'result' | 'error' | 'endedAt'>;

interface Row {
  id: string;
  adapter_id: string | null;
  adapter_dir: string;
  model_dir: string;
  out_dir: string;
  format: ExportFormat;
  tasks: string | null;
  dtype: ExportRecord['dtype'];
  quantise: string | null;
  max_shard_bytes: number | null;
  status: ExportRecord['status'];
  owner_pid: number;
  result: string | null;
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

const toExport = (row: Row): ExportRecord => ({
  id: row.id,
  adapterId: row.adapter_id,
  adapterDir: row.adapter_dir,
  modelDir: row.model_dir,
  outDir: row.out_dir,
  format: row.format,
  tasks: row.tasks === null ? null : (JSON.parse(row.tasks) as TaskDir[]),
  dtype: row.dtype,
  quantise: row.quantise === null ? null : (JSON.parse(row.quantise) as Quantisation[]),
  maxShardBytes: row.max_shard_bytes,
  status: row.status,
  ownerPid: row.owner_pid,
  result: row.result === null ? null : (JSON.parse(row.result) as ExportResult),
  error: row.error === null ? null : (JSON.parse(row.error) as ErrorData),
  createdAt: row.created_at,
  endedAt: row.ended_at,
});

export function exportQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM exports ORDER BY created_at DESC, rowid DESC');
  const running = db.prepare<[], Row>(`SELECT * FROM exports WHERE status = 'running'`);
  const byId = db.prepare<[string], Row>('SELECT * FROM exports WHERE id = ?');
  const insert = db.prepare(
    `INSERT INTO exports (id, adapter_id, adapter_dir, model_dir, out_dir, format, tasks, dtype, quantise,
       max_shard_bytes, status, owner_pid, created_at)
     VALUES (@id, @adapterId, @adapterDir, @modelDir, @outDir, @format, @tasks, @dtype, @quantise, @maxShardBytes,
       'running', @ownerPid, @createdAt)`,
  );
  const end = db.prepare<[string, string | null, string | null, string | null, string]>(
    'UPDATE exports SET status = ?, result = ?, error = ?, ended_at = ? WHERE id = ?',
  );
  const remove = db.prepare<[string]>('DELETE FROM exports WHERE id = ?');
  return {
    /** Newest first. */
    list: () => list.all().map(toExport),
    running: () => running.all().map(toExport),
    get(id: string): ExportRecord | undefined {
      const row = byId.get(id);
      return row && toExport(row);
    },
    /** A new row with the status `running`. */
    insert: (record: Omit<ExportRecord, 'status' | 'result' | 'error' | 'endedAt'>) =>
      void insert.run({
        ...record,
        tasks: record.tasks && JSON.stringify(record.tasks),
        quantise: record.quantise && JSON.stringify(record.quantise),
      }),
    end(id: string, { status, result, error, endedAt }: ExportEnd): void {
      end.run(status, result && JSON.stringify(result), error && JSON.stringify(error), endedAt, id);
    },
    /** True when there was one. What was exported stays where it is. */
    remove: (id: string) => remove.run(id).changes > 0,
  };
}
