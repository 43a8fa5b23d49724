/**
 * What goes on in Graft, whatever page is open: the running run for the navigation, and a message when a run or an
 * export ends. In the page a toast; while the window is not in front, a notification of the system, if it is allowed.
 */
import { notificationPermission } from '../lib/app/notificationPermission.svelte.ts';
import { announcementsWanted, exportAnnouncement, studyAnnouncement } from './announce.ts';
import { hostText } from '../lib/app/hostSentences.ts';
import { runAnnouncement, type Announcement } from '../../src-shared/runAnnouncement.ts';
import { api, type ActivityEvent, type ExportRecord, type ReportFile, type RunView } from '../lib/api.ts';
import { underWay } from '../lib/runs/underWay.svelte.ts';
import { streamOptions, type Failure } from '../lib/stream.ts';
import { appSettings } from '../lib/app/appSettings.svelte.ts';
import { router } from '../lib/router.svelte.ts';
import { toasts } from '../lib/toasts.svelte.ts';

const RETRY_MS = 3000;
const OPEN_STATES: readonly RunView['status'][] = ['queued', 'running', 'paused'];

function lateness({ away }: RunView): number {
  if (!away) return 0;
  return away.phase === 'running' ? 1 : 2;
}

class Notifier {
  /** Runs that have not ended, by id. */
  open = $state.raw<Record<string, RunView>>({});
  /** The one here before those on other machines. */
  readonly running = $derived(
    Object.values(this.open)
      .filter(({ status }) => status === 'running')
      .sort((a, b) => lateness(a) - lateness(b))[0],
  );
  readonly queued = $derived(
    Object.values(this.open).filter(({ status, away }) => status === 'queued' && !away).length,
  );
  readonly paused = $derived(Object.values(this.open).find(({ status }) => status === 'paused'));
  #exporting = new Set<string>();
  #started = false;

  /** Listens until the page closes, and reconnects after a restart of the server. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void appSettings.load();
    this.#listen();
  }

  /** After a restart of the server: a run that was under way may have ended, of which no event tells. */
  async #comeBack(): Promise<void> {
    const runs = await api.runs.list.query().catch(() => undefined);
    if (!runs) return;
    underWay.lost = false;
    for (const id of Object.keys(this.open)) {
      const run = runs.find((one) => one.id === id);
      if (run) this.#onRun(run);
      else this.#forget(id);
    }
  }

  #listen(): void {
    if (underWay.lost) void this.#comeBack();
    const again = () => void setTimeout(() => this.#listen(), RETRY_MS);
    const handlers = {
      data: (event: ActivityEvent) => {
        underWay.lost = false;
        this.#receive(event);
      },
      failed: (_sentence: string, { code }: Failure) => {
        underWay.lost = code === 'NO_ANSWER';
        again();
      },
      done: again,
    };
    const subscription = api.system.activity.subscribe(
      undefined,
      streamOptions(handlers, () => subscription.unsubscribe()),
    );
  }

  #receive(event: ActivityEvent): void {
    if (event.type === 'progress') underWay.progress = { ...underWay.progress, [event.id]: event };
    else if (event.type === 'heat') underWay.heat = event;
    else if (event.type === 'report') this.#reported(event.report);
    else if (event.type === 'run') this.#onRun(event.run);
    else if (event.type === 'removed') this.#forget(event.id);
    else this.#onExport(event.record);
  }

  #onRun(run: RunView): void {
    const before = this.open[run.id];
    if (OPEN_STATES.includes(run.status)) {
      this.open = { ...this.open, [run.id]: run };
      return;
    }
    this.#forget(run.id);
    if (before) void this.#runEnded(run);
  }

  async #runEnded(run: RunView): Promise<void> {
    const verdict = run.result ? await api.runs.verdict.query({ id: run.id }).catch(() => null) : null;
    const ended = runAnnouncement(run, verdict);
    const study = await api.studies.ofRun.query({ id: run.id }).catch(() => null);
    const said = study ? studyAnnouncement(study, ended) : ended && { ...ended, text: hostText(ended.text) };
    const isOpen = router.route.page === 'runs' && router.route.id === run.id;
    if (said) this.#say(said, study?.id ?? run.id, isOpen || window.location.hash === said.hash);
  }

  /** A run that has ended says so itself, with the way to its report. */
  #reported({ name, runId }: ReportFile): void {
    if (runId !== null) return;
    toasts.show({
      text: 'Graft met a fault and has written a report of it, which stays on this machine.',
      tone: 'bad',
      action: { label: 'Read the report', run: () => router.go('settings', undefined, { report: name }) },
    });
  }

  #onExport(record: ExportRecord): void {
    const wasOpen = this.#exporting.delete(record.id);
    if (record.status === 'running') this.#exporting.add(record.id);
    const said = wasOpen ? exportAnnouncement(record) : undefined;
    if (said) this.#say(said, record.id, router.route.page === 'export');
  }

  #forget(id: string): void {
    this.open = Object.fromEntries(Object.entries(this.open).filter(([key]) => key !== id));
    const { [id]: _over, ...others } = underWay.progress;
    underWay.progress = others;
    if (underWay.heat?.runId === id) underWay.heat = undefined;
  }

  /** seen: the page that is open shows it anyway. */
  #say({ title, text, tone, hash }: Announcement, tag: string, seen: boolean): void {
    const how = announcementsWanted({
      wanted: appSettings.value?.notifications ?? true,
      focused: document.hasFocus(),
      permission: notificationPermission.value,
      seen,
    });
    const open = (): void => {
      window.location.hash = hash;
    };
    if (how.toast)
      toasts.show({
        text: tone === 'bad' ? `${title}: ${text}` : `${title}. ${text}`,
        tone,
        action: { label: 'Open', run: open },
      });
    if (!how.system) return;
    const notification = new Notification(title, { body: text, tag });
    notification.onclick = () => {
      window.focus();
      open();
    };
  }
}

export const notifier = new Notifier();
