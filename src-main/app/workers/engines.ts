/**
 * Which engine `auto` means on this machine: the user's choice, else a hardware GPU first, then the fastest by
 * calibration; remembered.
 */
import os from 'node:os';
import { chooseEngine } from '../../../src-shared/chooseEngine.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { BackendName, EngineReport, SelfTestResult } from '../../../src-shared/backends.ts';
import { GPU_VARIABLE } from '../../../src-shared/backends.ts';
import type { Room } from '../../../src-shared/plan.ts';
import type { Card } from '../../hardware/card.ts';
import { cardOf, listCards, type Adapter } from '../../hardware/cards.ts';
import { SettingsService } from '../settings/service.ts';
import type { Workers } from './client.ts';

const KEY = 'engines';

export class EngineService {
  #catalog: Catalog;
  #workers: Workers;
  #settings: SettingsService;
  #calibrating: Promise<EngineReport[]> | undefined;
  #listCards: () => Promise<Card[]>;

  constructor(catalog: Catalog, workers: Workers, settings = new SettingsService(catalog), cards = listCards) {
    this.#listCards = cards;
    this.#settings = settings;
    this.#catalog = catalog;
    this.#workers = workers;
  }

  /** Asks a worker about every engine; with `calibrate` it also measures them, and the choice of `auto` is renewed. */
  async report(calibrate: boolean): Promise<EngineReport[]> {
    if (calibrate) return this.#calibrate();
    const reports = await this.#withMemory(await this.#workers.once('engines', { calibrate: false }));
    const known = this.#remembered();
    return reports.map((report) => ({
      ...report,
      gflops: report.gflops ?? known?.find((k) => k.name === report.name)?.gflops ?? null,
    }));
  }

  /** Where a run on `engine` would run, with the card's memory as its driver tells it now. */
  async room(engine: BackendName): Promise<Room> {
    const report = this.known(engine);
    if (!report?.gpu) return { gpu: false, card: null };
    const card = cardOf(this.#adapterOf(report), await this.#listCards());
    return { gpu: true, card: card && { totalBytes: card.totalBytes, usedBytes: card.usedBytes, source: card.source } };
  }

  /** The card that `engine` computes on; null: the processor. */
  adapter(engine: BackendName): Adapter | null {
    const report = this.known(engine);
    return report?.gpu ? this.#adapterOf(report) : null;
  }

  async #withMemory(reports: EngineReport[]): Promise<EngineReport[]> {
    const cards = reports.some(({ gpu }) => gpu) ? await this.#listCards() : [];
    return reports.map((report) => {
      if (!report.gpu) return report;
      const card = cardOf(this.#adapterOf(report), cards);
      return card
        ? { ...report, memoryBytes: card.totalBytes, heldBytes: card.usedBytes, memorySource: card.source }
        : report;
    });
  }

  /** CUDA says of its card only that it is one of NVIDIA's; which, the choice of the card says where there is one. */
  #adapterOf({ name, device, adapter }: EngineReport): Adapter {
    if (name === 'webgpu') return { name: device, ...adapter };
    const wanted = process.env[GPU_VARIABLE] ?? this.#settings.read().gpu ?? '';
    return { name: /^\d*$/.test(wanted) ? '' : wanted, vendor: 'nvidia' };
  }

  /** The engine that a request for `engine` runs on. Throws GraftError NO_ENGINE when none is usable. */
  async resolve(engine: 'auto' | BackendName): Promise<BackendName> {
    if (engine !== 'auto') return engine;
    const reports = this.#remembered() ?? (await this.#calibrate());
    const { defaultEngine } = this.#settings.read();
    return reports.find(({ name, usable }) => usable && name === defaultEngine)?.name ?? chooseEngine(reports);
  }

  /** Small computations on one engine, compared with plain JavaScript. Throws ENGINE_UNAVAILABLE. */
  selfTest(engine: BackendName): Promise<SelfTestResult> {
    return this.#workers.once('selfTest', { engine });
  }

  /** What is remembered of an engine; undefined before the first measurement. */
  known(engine: BackendName): EngineReport | undefined {
    return this.#remembered()?.find(({ name }) => name === engine);
  }

  #calibrate(): Promise<EngineReport[]> {
    this.#calibrating ??= this.#workers
      .once('engines', { calibrate: true })
      .then((reports) => this.#withMemory(reports))
      .then((reports) => {
        // While another process holds the catalogue it is not remembered, and measured again next time.
        this.#catalog.tryWrite(() => this.#catalog.settings.set(KEY, { machine: this.#machineKey(), reports }));
        return reports;
      })
      .finally(() => (this.#calibrating = undefined));
    return this.#calibrating;
  }

  #remembered(): EngineReport[] | undefined {
    const stored = this.#catalog.settings.get(KEY);
    if (typeof stored !== 'object' || stored === null || !('machine' in stored) || !('reports' in stored))
      return undefined;
    return stored.machine === this.#machineKey() ? (stored.reports as EngineReport[]) : undefined;
  }

  /**
   * A data folder may move to another machine, a machine gets another driver or Node, or another graphics card is
   * chosen: measure again then.
   */
  #machineKey(): string {
    const gpu = process.env[GPU_VARIABLE] ?? this.#settings.read().gpu;
    const machine = [os.hostname(), os.cpus()[0]?.model ?? '', os.cpus().length, os.release(), process.version];
    return (gpu === null ? machine : [...machine, gpu]).join('|');
  }
}
