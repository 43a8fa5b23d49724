/**
 * Which of several graphics cards an engine computes on: GRAFT_GPU names it, by its place in the engine's list or by a
 * part of its name. Without it the driver's first choice stands.
 */
import { execFileSync } from 'node:child_process';
import { usageError } from '../../../src-shared/errors.ts';
import { GPU_VARIABLE } from '../../../src-shared/backends.ts';

/** Dawn answers a name that no card has with the names of all. */
const NOBODY = 'a card that does not exist';
/** Longer numbers are parts of names. */
const PLACE = /^\d{1,2}$/;
const NVIDIA_LIMIT_MS = 10_000;

/** What the user wants; undefined: whatever the driver takes. */
function wantedCard(): string | undefined {
  return process.env[GPU_VARIABLE]?.trim() || undefined;
}

/**
 * Place in `cards` of the one that `wanted` means: a place, a whole name, or a part of exactly one name, whatever its
 * case. Throws a usage error NO_SUCH_GPU with the list of what is there.
 */
export function findCard(wanted: string, cards: readonly string[]): number {
  const isPlace = PLACE.test(wanted);
  if (isPlace && Number(wanted) < cards.length) return Number(wanted);
  const named = (fits: (name: string) => boolean): number[] =>
    isPlace ? [] : cards.flatMap((name, i) => (fits(name) ? [i] : []));
  const whole = named((name) => name.toLowerCase() === wanted.toLowerCase());
  const found = whole.length ? whole : named((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (new Set(found.map((i) => cards[i])).size === 1) return found[0]!;
  const list = cards.map((name, i) => `${i} ${name}`).join(', ');
  const what = found.length
    ? `"${wanted}" is the name of ${found.length} graphics cards`
    : `There is no graphics card "${wanted}"`;
  throw usageError(
    'NO_SUCH_GPU',
    `${what}; give the number or the name of one of these: ${list || 'none was found'}.`,
    {
      wanted,
      cards: [...cards],
    },
  );
}

/** Names of the cards that Dawn sees, in its order. `rejection`: its answer to NOBODY. */
export function parseDawnCards(rejection: string): string[] {
  const lines = [...rejection.matchAll(/\* backend: '([^']*)', name: '(.*)'/g)];
  const [first] = lines; // one card may be there through several drivers' interfaces
  return lines.filter(([, backend]) => backend === first?.[1]).map(([, , name]) => name!);
}

interface Dawn {
  create(options: string[]): { requestAdapter(): Promise<unknown> };
}

export async function dawnCards(dawn: Dawn): Promise<string[]> {
  try {
    await dawn.create([`adapter=${NOBODY}`]).requestAdapter();
    return [];
  } catch (error) {
    return parseDawnCards(String(error));
  }
}

/**
 * Dawn's option for the wanted card, which it knows by name only. Throws NO_SUCH_GPU, also for a card that has the name
 * of one before it.
 */
export async function dawnOptions(dawn: Dawn): Promise<string[]> {
  const wanted = wantedCard();
  if (wanted === undefined) return [];
  const cards = await dawnCards(dawn);
  const at = findCard(wanted, cards);
  const first = cards.findIndex((name) => name.includes(cards[at]!));
  if (first !== at)
    throw usageError(
      'NO_SUCH_GPU',
      `Card ${at} and card ${first} are both called ${cards[at]}, and WebGPU knows cards by name only; choose card ` +
        `${first}, or hide it from the driver.`,
      { wanted, cards },
    );
  return [`adapter=${cards[at]}`];
}

/**
 * Shows CUDA the wanted card alone, or none where it is not one of CUDA's: the engine then runs on the processor. What
 * the user has set in CUDA_VISIBLE_DEVICES stands. Must run before CUDA starts.
 */
export function showCudaCard(env: NodeJS.ProcessEnv = process.env, list = nvidiaCards): void {
  const wanted = env[GPU_VARIABLE]?.trim();
  if (!wanted || env['CUDA_VISIBLE_DEVICES'] !== undefined) return;
  const cards = list();
  if (cards.length === 0) return;
  env['CUDA_DEVICE_ORDER'] = 'PCI_BUS_ID'; // nvidia-smi's order
  const isOther = !PLACE.test(wanted) && !cards.some((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  env['CUDA_VISIBLE_DEVICES'] = isOther ? '-1' : String(findCard(wanted, cards));
}

function nvidiaCards(): string[] {
  try {
    const text = execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: NVIDIA_LIMIT_MS,
    });
    return text.split('\n').flatMap((line) => (line.trim() ? [line.trim()] : []));
  } catch {
    return [];
  }
}
