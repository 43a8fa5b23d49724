/** Which engine `auto` means, by what each engine of a machine says of itself. */
import { BACKENDS, type BackendName, type EngineReport } from './backends.ts';
import { GraftError } from './errors.ts';

/** A graphics card first, then the fastest. Throws GraftError NO_ENGINE with each engine's reason. */
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
