import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../catalog/catalog.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { BackendName, EngineReport } from '../../../src-shared/backends.ts';
import { chooseEngine } from '../../../src-shared/chooseEngine.ts';
import { EngineService } from './engines.ts';
import type { WorkerChannel } from './channel.ts';
import { Workers } from './client.ts';

const report = (name: BackendName, facts: Partial<EngineReport> = {}): EngineReport => ({
  name,
  usable: true,
  gpu: false,
  device: name,
  memoryBytes: null,
  reason: `${name} says so.`,
  gflops: 10,
  ...facts,
});

describe('the choice of auto', () => {
  it('prefers a hardware GPU to any faster processor', () => {
    expect(chooseEngine([report('tensorflow', { gflops: 900 }), report('webgpu', { gpu: true, gflops: 5 })])).toBe(
      'webgpu',
    );
  });
  it('takes the fastest processor engine without a GPU', () => {
    expect(
      chooseEngine([
        report('tensorflow', { gflops: 9 }),
        report('webgpu', { gflops: 1 }),
        report('wasm', { gflops: 11 }),
      ]),
    ).toBe('wasm');
  });
  it('passes over what is not usable', () => {
    expect(
      chooseEngine([report('tensorflow', { usable: false, gpu: true, gflops: 900 }), report('wasm', { gflops: null })]),
    ).toBe('wasm');
  });
  it('says why when nothing is usable', () => {
    expect(() => chooseEngine([report('wasm', { usable: false })])).toThrow(
      /No engine can run .* wasm: wasm says so\./,
    );
  });
});

describe('remembering', () => {
  let dir: string;
  let catalog: Catalog;
  let calls: boolean[];

  /** A worker in this process that answers with two engines and notes whether it was asked to measure. */
  const answering = (): WorkerChannel => {
    let listener: (message: unknown) => void = () => undefined;
    return {
      pid: 1,
      post: (message) => {
        if (message.kind !== 'call' || message.name !== 'engines') return;
        const { calibrate } = message.params;
        calls.push(calibrate);
        const result = [
          report('tensorflow', { gflops: calibrate ? 3 : null }),
          report('wasm', { gflops: calibrate ? 7 : null }),
        ];
        queueMicrotask(() => listener({ kind: 'result', id: message.id, result }));
      },
      onMessage: (next) => void (listener = next),
      onExit: () => undefined,
      kill: () => undefined,
    };
  };

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-engines-'));
    catalog = openCatalog(path.join(dir, 'graft.db'));
    calls = [];
  });
  afterEach(() => {
    catalog.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  it('measures once, even when asked twice at the same time or by the next process', async () => {
    const first = new EngineService(catalog, new Workers(answering));
    expect(await Promise.all([first.resolve('auto'), first.resolve('auto'), first.resolve('webgpu')])).toEqual([
      'wasm',
      'wasm',
      'webgpu',
    ]);
    const next = new EngineService(catalog, new Workers(answering));
    expect(await next.resolve('auto')).toBe('wasm');
    expect(calls).toEqual([true]);
    expect((await next.report(false)).map((r) => r.gflops)).toEqual([3, 7]);
  });

  it('measures again on another machine', async () => {
    const service = new EngineService(catalog, new Workers(answering));
    catalog.settings.set('engines', { machine: 'another', reports: [report('webgpu')] });
    expect(await service.resolve('auto')).toBe('wasm');
    expect(calls).toEqual([true]);
  });
});
