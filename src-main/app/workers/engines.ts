/**
 * Which engine `auto` means on this machine: the user's choice, else a hardware GPU first, then the fastest by
 * calibration; remembered.
 */
import os from 'node:os';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { BackendName, EngineReport, SelfTestResult } from '../../../src-shared/backends.ts';
import { BACKENDS } from '../../../src-shared/backends.ts';
import { SettingsService } from '../settings/service.ts';
import type { Workers } from './client.ts';

const KEY = 'engines';

export class EngineService {
  #catalog: Catalog;
  #workers: Workers;
  #settings: SettingsService;
  #calibrating: Promise<EngineReport[]> | undefined;

  constructor(catalog: Catalog, workers: Workers, settings = new SettingsService(catalog)) {
    this.#settings = settings;
    this.#catalog = catalog;
    this.#workers = workers;
  }

  /** Asks a worker about every engine; with `calibrate` it also measures them, and the choice of `auto` is renewed. */
  async report(calibrate: boolean): Promise<EngineReport[]> {
    if (calibrate) return this.#calibrate();
    const reports = await this.#workers.once('engines', { calibrate: false });
    const known = this.#remembered();
    return reports.map((report) => ({
      ...report,
      gflops: report.gflops ?? known?.find((k) => k.name === report.name)?.gflops ?? null,
    }));
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
      .then((reports) => {
        // While another process holds the catalogue it is not remembered, and measured again next time.
        this.#catalog.tryWrite(() => this.#catalog.settings.set(KEY, { machine: machineKey(), reports }));
        return reports;
      })
      .finally(() => (this.#calibrating = undefined));
    return this.#calibrating;
  }

  #remembered(): EngineReport[] | undefined {
    const stored = this.#catalog.settings.get(KEY);
    if (typeof stored !== 'object' || stored === null || !('machine' in stored) || !('reports' in stored))
      return undefined;
    return stored.machine === machineKey() ? (stored.reports as EngineReport[]) : undefined;
  }
}

/** Throws GraftError NO_ENGINE with each engine's reason. */
export function chooseEngine(reports: EngineReport[]): BackendName {
  const usable = reports.filter((report) => report.usable);
  const best = usable.sort(
    (a, b) =>
      Number(b.gpu) - Number(a.gpu) ||
      (b.gflops ?? 0) - (a.gflops ?? 0) ||
      BACKENDS.indexOf(a.name) - BACKENDS.indexOf(b.name),
  )[0];
  if (best) return best.name;
  const reasons = reports.map((report) => `${report.name}: ${report.reason}`).join(' ');
  throw new GraftError(
    'NO_ENGINE',
    `No engine can run on this machine; run "npm run setup" to install one. ${reasons}`,
    { reports },
  );
}

/** A data folder may move to another machine, and a machine gets another driver or Node: measure again then. */
function machineKey(): string {
  return [os.hostname(), os.cpus()[0]?.model ?? '', os.cpus().length, os.release(), process.version].join('|');
}
