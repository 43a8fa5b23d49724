/** The engines of this machine, what their self-tests said, and the choice among them. */
import { ALONE, api, type BackendName, type EngineReport, type SelfTestResult } from '../../lib/api.ts';
import { failureOf } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';

export class EngineList {
  engines = $state.raw<EngineReport[] | undefined>();
  tests = $state<Record<string, SelfTestResult | 'running' | { failed: string }>>({});
  readonly asking = new Action();
  measuring = $state(false);

  async ask(calibrate: boolean): Promise<void> {
    this.measuring = calibrate;
    this.engines = (await this.asking.run(() => api.system.engines.query({ calibrate }, ALONE))) ?? this.engines;
    this.measuring = false;
  }

  async selfTest(engine: BackendName): Promise<void> {
    this.tests[engine] = 'running';
    try {
      this.tests[engine] = await api.system.selfTest.mutate({ engine }, ALONE);
    } catch (error) {
      this.tests[engine] = { failed: failureOf(error).message };
    }
  }
}
