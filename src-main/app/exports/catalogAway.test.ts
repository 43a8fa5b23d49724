/** An export that ends while another process holds the catalogue: told at once, recorded later. */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import type { ExportRecord } from '../../catalog/exports.ts';

let b: TestBench;
let other: Database.Database;
beforeEach(() => {
  b = openBench();
  other = new Database(b.services.home.catalogFile);
});
afterEach(async () => {
  other.close();
  await b.close();
});

const FILES = { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'weights' };

/** A copy of an adapter that has just begun; then another connection takes the lock. */
async function startAndLock(): Promise<ExportRecord> {
  const adapterDir = path.join(b.dir, 'adapter');
  fs.mkdirSync(adapterDir);
  for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(path.join(adapterDir, name), text);
  const outDir = path.join(b.dir, 'copy');
  const request = { format: 'peft' as const, adapterId: null, adapterDir, modelDir: '', outDir };
  const record = await b.services.exports.start(request);
  other.exec('BEGIN IMMEDIATE');
  return record;
}

const row = (id: string) => b.services.catalog.exports.get(id)!;

it('one that is completed', async () => {
  const { id, outDir } = await startAndLock();
  const result = { outDir, files: ['README.md', ...Object.keys(FILES)], sha256: '', certificate: null };
  const ended = { status: 'completed', result, error: null };
  expect(await b.services.exports.finished(id)).toMatchObject(ended);
  expect(b.services.exports.list()).toMatchObject([ended]);
  expect(row(id).status).toBe('running');
  other.exec('ROLLBACK');
  await b.reopen();
  expect(row(id)).toMatchObject(ended);
});

it('one that is cancelled', async () => {
  const { id, outDir } = await startAndLock();
  const ended = { status: 'failed', error: { code: 'EXPORT_CANCELLED' } };
  expect(await b.services.exports.cancel(id)).toMatchObject(ended);
  expect(row(id).status).toBe('running');
  other.exec('ROLLBACK');
  await b.reopen();
  expect(row(id)).toMatchObject(ended);
  expect(fs.existsSync(outDir)).toBe(false);
});

/** As a process leaves it that ended before it could write how its export did. */
function leaveRunning(format: ExportRecord['format'], outDir: string, createdAt = '2026-01-01T00:00:00.000Z'): string {
  const id = `${format}-${path.basename(path.dirname(outDir))}-${path.basename(outDir)}`;
  b.services.catalog.exports.insert({
    id,
    format,
    adapterId: null,
    adapterDir: '/a',
    tasks: null,
    modelDir: '/m',
    outDir,
    dtype: null,
    quantise: null,
    maxShardBytes: null,
    ownerPid: 4194305,
    createdAt,
  });
  return id;
}

/** A folder with these files, named after what is tried. */
function folder(name: string, files: Record<string, string>): string {
  const dir = path.join(temporaryFolder(), name);
  fs.mkdirSync(dir);
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, file), text);
  return dir;
}

it('after the process is gone, the folder tells: whole, or not there', async () => {
  const certificate = { passed: true, maxLogitDifference: 0.25, createdAt: '2026-01-01T00:01:00.000Z' };
  const merged = { 'model.safetensors': 'twelve bytes', 'parity.json': JSON.stringify(certificate) };
  const whole = leaveRunning('hf', folder('whole', merged));
  const copied = leaveRunning('peft', folder('copied', FILES));
  const failed = [
    leaveRunning('hf', path.join(temporaryFolder(), 'missing')),
    leaveRunning('peft', path.join(temporaryFolder(), 'missing-copy')),
    leaveRunning('hf', folder('without-certificate', { 'model.safetensors': '' })),
    leaveRunning('hf', folder('torn', { 'parity.json': '{"passed": tr' })),
    leaveRunning('hf', folder('of-another-export', merged), '2026-01-01T00:02:00.000Z'),
    leaveRunning('peft', folder('other-files', { notes: '' })),
  ];
  await b.reopen();
  expect(row(whole)).toMatchObject({
    status: 'completed',
    result: { files: ['model.safetensors', 'parity.json'], certificate, sizeBytes: 12 + merged['parity.json'].length },
  });
  expect(row(copied)).toMatchObject({ status: 'completed', result: { files: Object.keys(FILES), certificate: null } });
  for (const id of failed)
    expect(row(id)).toMatchObject({ id, status: 'failed', error: { code: 'EXPORT_ABANDONED' }, result: null });
});

it('and so does a GGUF, in a folder or by itself; a certificate by itself goes', async () => {
  const parity = { passed: true, ggufs: [{ file: 'm.gguf' }], createdAt: '2026-01-01T00:01:00.000Z' };
  const text = JSON.stringify(parity);
  const one = folder('one-file', { 'm.gguf': 'GGUF', 'm.parity.json': text });
  const half = folder('half', { 'm.parity.json': text, 'other.parity.json': JSON.stringify({ passed: true }) });
  const whole = {
    folder: leaveRunning('ollama', folder('gguf', { 'm.gguf': 'GGUF', Modelfile: 'FROM', 'parity.json': text })),
    file: leaveRunning('gguf', path.join(one, 'm.gguf')),
    lora: leaveRunning('lora-gguf', folder('lora', { 'a-lora.gguf': 'GGUF' })),
    mlx: leaveRunning('mlx', folder('mlx', { 'adapters.safetensors': '', 'adapter_config.json': '{}' })),
  };
  const failed = [
    leaveRunning('gguf', path.join(half, 'm.gguf')),
    leaveRunning('gguf', path.join(half, 'other.gguf')),
    leaveRunning('lora-gguf', folder('no-lora', { notes: '' })),
    leaveRunning('lmstudio', folder('no-certificate', { 'm.gguf': 'GGUF' })),
  ];
  await b.reopen();
  const result = { certificate: null, ggufs: parity.ggufs };
  expect(row(whole.folder)).toMatchObject({
    status: 'completed',
    result: { ...result, files: ['Modelfile', 'm.gguf', 'parity.json'] },
  });
  expect(row(whole.file)).toMatchObject({
    status: 'completed',
    result: { ...result, files: ['m.gguf', 'm.parity.json'] },
  });
  expect(row(whole.lora)).toMatchObject({ status: 'completed', result: { files: ['a-lora.gguf'], certificate: null } });
  expect(row(whole.mlx)).toMatchObject({ status: 'completed', result: { certificate: null } });
  for (const id of failed) expect(row(id), id).toMatchObject({ status: 'failed', error: { code: 'EXPORT_ABANDONED' } });
  expect(fs.readdirSync(half)).toEqual(['other.parity.json']);
});
