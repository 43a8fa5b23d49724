/** The targets, and what was found on each that has been checked. */
import { ALONE, api } from '../../../lib/api.ts';
import { Action } from '../../../lib/action.svelte.ts';
import { Resource } from '../../../lib/resource.svelte.ts';
import { errorSentence } from '../../../lib/stream.ts';
import type { RemoteTarget, TargetCheck } from '../../../../src-shared/remoteTargets.ts';

/** `busy` while the target is asked, which may take a while over a slow line. */
export type CheckState = { busy: true } | { busy: false; check: TargetCheck } | { busy: false; error: string };

export class TargetList {
  readonly known = new Resource(() => api.targets.list.query());
  readonly saving = new Action();
  readonly removing = new Action();
  /** By the target's name. */
  checks = $state.raw<Readonly<Record<string, CheckState>>>({});

  /** Whether it was saved; it is checked then. */
  async save(target: RemoteTarget, replace: boolean): Promise<boolean> {
    const saved = await this.saving.run(() => api.targets.add.mutate({ target, replace }));
    if (!saved) return false;
    await this.known.load();
    void this.check(saved.name);
    return true;
  }

  async remove(name: string): Promise<void> {
    const removed = await this.removing.run(() => api.targets.remove.mutate({ name }));
    if (!removed) return;
    const { [name]: _gone, ...others } = this.checks;
    this.checks = others;
    await this.known.load();
  }

  /** An answer that a later question has overtaken is dropped. */
  async check(name: string): Promise<void> {
    const asking: CheckState = { busy: true };
    this.#set(name, asking);
    const state = await api.targets.check.mutate({ name }, ALONE).then(
      (check): CheckState => ({ busy: false, check }),
      (error: unknown): CheckState => ({ busy: false, error: errorSentence(error) }),
    );
    if (this.checks[name] === asking) this.#set(name, state);
  }

  #set(name: string, state: CheckState): void {
    this.checks = { ...this.checks, [name]: state };
  }
}
