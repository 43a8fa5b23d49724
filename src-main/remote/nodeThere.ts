/** The Node of a machine that jobs are sent to. */
import { GraftError } from '../../src-shared/errors.ts';
import type { Machine } from './machine.ts';

/** What Graft is tested with; the agent needs 20. */
export const MIN_JOB_NODE = 24;
export const MIN_AGENT_NODE = 20;

/** On this machine: what Graft runs on, but for Electron, which starts no script. */
export const NODE_HERE = process.versions['electron'] === undefined ? process.execPath : 'node';

export interface NodeThere {
  /** Absolute. */
  path: string;
  version: string;
  major: number;
  platform: string;
  arch: string;
}

const QUESTION = 'JSON.stringify([process.execPath, process.versions.node, process.platform, process.arch])';

/** Throws TARGET_NOT_READY where it does not run. */
export async function nodeAt(machine: Machine, node: string): Promise<NodeThere> {
  const { code, stdout, stderr } = await machine.run([node, '-p', QUESTION], { timeoutMs: 30_000 });
  if (code !== 0) {
    const sentence = `${machine.name} does not run ${node} (${stderr.trim().split('\n').at(-1)}); install Node there.`;
    throw new GraftError('TARGET_NOT_READY', sentence, { machine: machine.name, node, stderr });
  }
  const [path, version, platform, arch] = JSON.parse(stdout) as [string, string, string, string];
  return { path, version, major: Number.parseInt(version, 10), platform, arch };
}

/** Whether the native libraries of this machine are of its kind. */
export function isSameSystem({ platform, arch }: NodeThere): boolean {
  return platform === process.platform && arch === process.arch;
}
