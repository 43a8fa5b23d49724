/** What goes on anywhere in Graft, for a page that shows it beside whatever else it shows. */
import type { ExportRecord } from '../../catalog/exports.ts';
import type { Heat } from '../../../src-shared/heat.ts';
import { streamOf } from '../events/stream.ts';
import type { RunsEvent } from '../runs/channel.ts';
import type { ReportFile } from '../reports/files.ts';
import type { Services } from '../services.ts';
import { openRuns } from '../runs/watch.ts';

export type ActivityEvent =
  | RunsEvent
  | { type: 'export'; record: ExportRecord }
  | ({ type: 'heat' } & Heat)
  | { type: 'report'; report: ReportFile };

/** Every run and export from now on, in one stream: a browser has only six connections for all its windows. */
export function watchActivity(
  { runs, exports, heat, reports }: Pick<Services, 'runs' | 'exports' | 'heat' | 'reports'>,
  signal?: AbortSignal,
): AsyncGenerator<ActivityEvent, void, void> {
  const running = exports.list().filter(({ status }) => status === 'running');
  const subscribe = (listener: (event: ActivityEvent) => void): (() => void) => {
    const ends = [
      runs.subscribeAll(listener),
      exports.subscribeAll((event) => {
        if (event.type === 'status') listener({ type: 'export', record: event.record });
      }),
      heat.subscribe((now) => listener({ type: 'heat', ...now })),
      reports.subscribe((report) => listener({ type: 'report', report })),
    ];
    return () => ends.forEach((end) => end());
  };
  return streamOf<ActivityEvent>(subscribe, {
    first: [
      ...openRuns(runs),
      ...running.map((record): ActivityEvent => ({ type: 'export', record })),
      ...(heat.latest ? [{ type: 'heat' as const, ...heat.latest }] : []),
    ],
    isLast: () => false,
    signal,
  });
}
