/**
 * Puts the data folder of the version before into a folder of its own, as if it had always lain there. The fixture
 * holds absolute paths below the placeholder `/graft-fixture`; they are rewritten in the catalogue and in every JSON
 * file. Hard links between run states are copies here, as they are in git.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export const PLACEHOLDER = '/graft-fixture';

export interface RelocatedHome {
  /** GRAFT_HOME. */
  home: string;
  /** Models, dataset files and exports that lie outside the data folder. */
  files: string;
}

/** `target` must not exist yet, or be empty; its path must be absolute and hold no `/graft-fixture`. */
export function relocate(fixture: string, target: string): RelocatedHome {
  const home = path.join(target, 'home');
  const files = path.join(target, 'files');
  for (const name of ['home', 'files'])
    fs.cpSync(path.join(fixture, name), path.join(target, name), { recursive: true });
  for (const folder of [home, files]) rewriteJsonFiles(folder, target);
  const db = new Database(path.join(home, 'graft.db'));
  db.pragma('foreign_keys = OFF');
  db.exec(fs.readFileSync(path.join(fixture, 'catalog.sql'), 'utf8'));
  rewriteCatalog(db, target);
  for (const id of db.prepare<[], string>('SELECT id FROM runs').pluck().all())
    fs.mkdirSync(path.join(home, 'runs', id), { recursive: true }); // git keeps no empty folders
  const [broken] = db.pragma('foreign_key_check') as object[];
  db.exec('VACUUM'); // no trace of the placeholder stays
  db.close();
  if (broken) throw new Error(`the catalogue of the fixture is broken: ${JSON.stringify(broken)}`);
  return { home, files };
}

/** The same text with every path below the placeholder below `target`; `inJson`: the text is JSON. */
function rewritten(text: string, target: string, inJson: boolean): string {
  return text.replaceAll(PLACEHOLDER, inJson ? JSON.stringify(target).slice(1, -1) : target);
}

function rewriteJsonFiles(folder: string, target: string): void {
  for (const name of fs.readdirSync(folder, { recursive: true }) as string[]) {
    const file = path.join(folder, name);
    if (!name.endsWith('.json')) continue;
    const text = fs.readFileSync(file, 'utf8');
    if (text.includes(PLACEHOLDER)) fs.writeFileSync(file, rewritten(text, target, true));
  }
}

/** Every TEXT column of every table; those whose value is an object or a list hold JSON. */
function rewriteCatalog(db: Database.Database, target: string): void {
  db.function('rewritten', { deterministic: true }, (value) => {
    const text = value as string;
    return rewritten(text, target, /^[[{]/.test(text));
  });
  const columns = db
    .prepare<[], { table: string; name: string }>(
      `SELECT t.name AS "table", c.name
       FROM sqlite_schema t JOIN pragma_table_info(t.name) c
       WHERE t.type = 'table' AND c.type = 'TEXT'`,
    )
    .all();
  for (const { table, name } of columns)
    db.prepare(`UPDATE "${table}" SET "${name}" = rewritten("${name}") WHERE instr("${name}", '${PLACEHOLDER}')`).run();
}
