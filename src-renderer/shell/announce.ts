/** What to say when a study or an export has ended, and where. */
import type { ExportRecord, StudyView } from '../lib/api.ts';
import { hostText } from '../lib/app/hostSentences.ts';
import { baseName } from '../lib/format.ts';
import { hashFor } from '../../src-shared/routes.ts';
import type { Announcement } from '../../src-shared/runAnnouncement.ts';

/** What the end of one of its runs says of a study: its verdict after the last one, before that only failures. */
export function studyAnnouncement(
  study: Pick<StudyView, 'id' | 'name' | 'state' | 'verdict'>,
  ended: Announcement | undefined,
): Announcement | undefined {
  if (ended?.tone === 'bad') return ended;
  if (study.state !== 'done') return undefined;
  const hash = hashFor('runs', undefined, { study: study.id });
  return {
    title: `${study.name} is done`,
    text: hostText(study.verdict ?? 'Open the study to see its runs.'),
    tone: 'good',
    hash,
  };
}

/** Undefined for an export that has not ended, or that the user has cancelled. */
export function exportAnnouncement(
  record: Pick<ExportRecord, 'outDir' | 'status' | 'error' | 'format' | 'result'>,
): Announcement | undefined {
  const name = baseName(record.outDir);
  const hash = hashFor('export');
  if (record.status === 'completed' && hasFailed(record.result))
    return {
      title: `${name} is exported`,
      text: 'Its certificate has failed; it was kept as you allowed.',
      tone: 'bad',
      hash,
    };
  if (record.status === 'completed')
    return {
      title: `${name} is exported`,
      text: isCertified(record.result) ? 'The certificate has passed.' : 'The files are complete.',
      tone: 'good',
      hash,
    };
  if (record.status !== 'failed' || record.error?.code === 'EXPORT_CANCELLED') return undefined;
  return {
    title: `Exporting ${name} failed`,
    text: hostText(record.error?.message ?? 'Open Export to see why.'),
    tone: 'bad',
    hash,
  };
}

type Certified = Pick<NonNullable<ExportRecord['result']>, 'certificate' | 'ggufs'> | null;

function hasFailed(result: Certified): boolean {
  return certificatesOf(result).some(({ passed }) => !passed);
}

function isCertified(result: Certified): boolean {
  return certificatesOf(result).length > 0;
}

function certificatesOf(result: Certified): { passed: boolean }[] {
  return [result?.certificate, ...(result?.ggufs ?? []).map((gguf) => gguf.certificate)].flatMap((one) => one ?? []);
}

/** Where an announcement goes: into the page, to the system, or nowhere. */
export function announcementsWanted(now: { wanted: boolean; focused: boolean; permission: string; seen: boolean }): {
  toast: boolean;
  system: boolean;
} {
  if (!now.wanted) return { toast: false, system: false };
  const system = !now.focused && now.permission === 'granted';
  // The toast waits for whoever comes back to the window, unless the page shows the news anyway.
  return { toast: !now.seen, system };
}
