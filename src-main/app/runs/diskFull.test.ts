/** A whole run whose disk fills up: one sentence, nothing half-written, and it goes on once there is room again. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { mountDisk, NO_DISK } from '../../../test-support/fixtures/folders.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun } from '../../../test-support/rigs/services.ts';
import { filesBelow } from '../../../test-support/rigs/tinyRun.ts';

/** Writes until the disk is full. */
function fill(file: string): void {
  try {
    for (;;) fs.appendFileSync(file, Buffer.alloc(4096));
  } catch {
    // Full.
  }
}

it('data folder and catalogue on the disk that fills up', async ({ skip }) => {
  const disk = mountDisk('size=8m') ?? skip(NO_DISK);
  const home = path.join(disk, 'home');
  const filler = path.join(disk, 'filler');
  const b = openBench({ home });
  try {
    const { runs, catalog } = b.services;
    const { id } = await runs.start(await smallRun(b, { steps: 40, checkpointEvery: 10, evalEvery: 20 }));
    await untilEvent(b, id, (event) => event.type === 'checkpoint');
    // Tiny steps: the run must not be over before the disk is full.
    const { pid } = runs.require(id);
    process.kill(pid!, 'SIGSTOP');
    fill(filler);
    process.kill(pid!, 'SIGCONT');

    const failed = await runs.finished(id);
    expect(failed).toMatchObject({ status: 'failed', resumable: true, error: { code: 'DISK_FULL' } });
    expect(failed.error!.message).toMatch(
      /^The disk has too little room for \S+: .* are needed and .* are free, so .* are missing; free some space or /,
    );
    expect(filesBelow(disk).filter((file) => file.includes('.partial'))).toEqual([]);
    expect(catalog.db.pragma('integrity_check', { simple: true })).toBe('ok');

    fs.rmSync(filler);
    await expect.poll(() => catalog.runs.get(id)!.status, { timeout: 20_000 }).toBe('failed');
    runs.resume(id);
    expect((await runs.finished(id)).status).toBe('completed');
    const steps = catalog.metrics.after(id, 0).map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(fs.existsSync(path.join(runs.require(id).spec.outDir, 'adapter_model.safetensors'))).toBe(true);
  } finally {
    await b.close();
  }
});
