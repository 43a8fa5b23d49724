/** The progress of a run as lines of text, at most about one a second. */
import type { AwayView } from '../../../src-shared/away.ts';
import type { RunEvent } from '../../app/runs/channel.ts';
import { loadProgressText } from '../../../src-shared/loadProgress.ts';
import { preferenceText } from '../../../src-shared/objectives.ts';
import { counted } from '../../../src-shared/plural.ts';
import { count, scores } from './format.ts';

const INTERVAL_MS = 1000;

/** What keeps a run on a target from being trained just now; null for nothing. */
function targetLine(away: AwayView | null): string | null {
  if (!away || (away.note === null && away.phase !== 'waiting')) return null;
  const job = away.slurmJob === null ? '' : ` (job ${away.slurmJob})`;
  return `${away.target}${job}: ${away.note ?? 'waits for its turn'}`;
}

/** A listener that says what happens; `steps`: of a run that has begun already. */
export function sayProgress(say: (line: string) => void, steps = 0): (event: RunEvent) => void {
  let totalSteps = steps;
  let saidMs = -Infinity;
  let saidOfTarget = '';
  return (event) => {
    switch (event.type) {
      case 'status': {
        const line = targetLine(event.run.away);
        const nowMs = performance.now();
        if (line === null || line === saidOfTarget || nowMs - saidMs < INTERVAL_MS) return;
        [saidMs, saidOfTarget] = [nowMs, line];
        say(line);
        return;
      }
      case 'loading': {
        const nowMs = performance.now();
        if (nowMs - saidMs < INTERVAL_MS) return;
        saidMs = nowMs;
        say(loadProgressText(event));
        return;
      }
      case 'started':
        totalSteps = event.totalSteps;
        say(
          `${event.engine} on ${event.device}: ${counted(event.trainableParameters, 'trainable parameter')}, ` +
            `${counted(event.trainRows, 'row')} to train and ${count(event.valRows)} to validate`,
        );
        if (event.resumedFrom > 0) say(`Goes on after step ${event.resumedFrom}`);
        return;
      case 'step': {
        const nowMs = performance.now();
        if (nowMs - saidMs < INTERVAL_MS && event.step !== totalSteps) return;
        saidMs = nowMs;
        say(
          `step ${event.step}/${totalSteps}  loss ${event.loss.toFixed(4)}  lr ${event.lr.toExponential(2)}  ` +
            `${event.tokensPerSecond.toFixed(0)} tokens/s` +
            (event.preference ? `  ${preferenceText(event.preference)}` : ''),
        );
        return;
      }
      case 'eval':
        say(
          `step ${event.step}/${totalSteps}  validation loss ` +
            `${event.valLoss.toFixed(4)}${event.scores ? `  ${scores(event.scores)}` : ''}` +
            (event.preference ? `  ${preferenceText(event.preference)}` : ''),
        );
        return;
      case 'sample':
        for (const text of event.texts) say(`step ${event.step}/${totalSteps}  writes ${JSON.stringify(text)}`);
        return;
      case 'log':
        say(event.message);
    }
  };
}
