/** A profile as lines for the terminal. */
import type { Profile } from './profile.ts';

/** Rows that are shown; the rest takes next to nothing. */
const SHOWN = 40;

export function profileText(what: string, { rows, wallMs }: Profile): string {
  const inRows = rows.reduce((sum, { selfMs }) => sum + selfMs, 0);
  const lines = rows.slice(0, SHOWN).map(({ name, detail, calls, selfMs }) => {
    const share = ((100 * selfMs) / wallMs).toFixed(1);
    return (
      `${selfMs.toFixed(1).padStart(8)}  ${share.padStart(4)}%  ${String(calls ?? '').padStart(5)}  ${name}  ` +
      `${detail}`
    );
  });
  return [
    `${what}: ${wallMs.toFixed(0)} ms, of which ${inRows.toFixed(0)} ms in these`,
    '      ms  share  calls  kernel and shapes, or function and place',
    ...lines,
  ].join('\n');
}
