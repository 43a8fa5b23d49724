/** What every case is given: the options of this run and how to start each system. */
import path from 'node:path';
import { workerEnvironment } from '../../src-main/app/workers/environment.ts';
import type { BaseDtype } from '../../src-shared/baseDtypes.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import { benchFolder } from './models.ts';
import type { QuietTurns } from './otherLoad.ts';
import type { PeerCommand } from './peer.ts';
import { GRAFT_PEER, TORCH_PEER } from './places.ts';
import type { SizesOptions } from './args.ts';
import type { Torch } from './torch.ts';

export interface Context {
  engine: BackendName;
  /** How Graft keeps frozen linear layers in the training cases. */
  base: BaseDtype;
  /** Fewer repetitions and smaller sizes. */
  quick: boolean;
  /** Also print Graft's time per kernel. */
  profile: boolean;
  /** A two-layer model instead of the real ones: shows that everything runs, measures nothing. */
  tiny: boolean;
  /** Null: no rival. */
  torch: Torch | null;
  sizes: SizesOptions;
  turns: QuietTurns;
  /** What the machine multiplies matrices at; measured when a case first asks. */
  peak(): Promise<GemmPeak>;
  say(line: string): void;
}

/** What gemm.ts measures. */
export interface GemmPeak {
  /** Of the fastest product of all systems. */
  flopsPerSecond: number;
  /** Every figure, in words. */
  note: string;
}

export const GRAFT = 'Graft';

/** Largest difference of two float32 losses that counts as the same step. */
const LOSS_TOLERANCE = 1e-3;
/** Half a percent of the losses here, near 11: bf16's products and packed weights are that coarse. */
const COARSE_LOSS_TOLERANCE = 0.05;

export function graftCommand({ engine }: Pick<Context, 'engine'>): PeerCommand {
  return {
    name: GRAFT,
    command: process.execPath,
    args: [GRAFT_PEER, engine],
    cwd: benchFolder(),
    env: workerEnvironment(),
    lossTolerance: LOSS_TOLERANCE,
  };
}

/**
 * PyTorch in float32: on the processor with the allocator it comes with and, where it is installed, with tcmalloc, of
 * which the better one counts (`ratiosOf`). Paths are relative because a folder's `py` may see the file system below
 * another root.
 */
export function torchCommands({ torch, base }: Pick<Context, 'torch' | 'base'>): PeerCommand[] {
  if (!torch) return [];
  if (torch.cuda) return [torchCommand(torch, base, 'PyTorch float32', '--device', 'cuda')];
  return [
    torchCommand(torch, base, 'PyTorch'),
    ...(torch.tcmalloc ? [torchCommand(torch, base, 'PyTorch, tcmalloc', '--tcmalloc')] : []),
  ];
}

/** For training and kernels also bf16 autocast on CUDA, whose results differ by its rounding. */
export function torchTrainers(context: Context): PeerCommand[] {
  const { torch, base } = context;
  const bf16 = torch?.cuda
    ? [
        {
          ...torchCommand(torch, base, 'PyTorch bf16', '--device', 'cuda', '--dtype', 'bf16'),
          lossTolerance: COARSE_LOSS_TOLERANCE,
        },
      ]
    : [];
  return [...torchCommands(context), ...bf16];
}

function torchCommand({ python }: Torch, base: BaseDtype, name: string, ...args: string[]): PeerCommand {
  const cwd = benchFolder();
  return {
    name,
    command: python,
    args: [path.relative(cwd, TORCH_PEER), ...args],
    cwd,
    env: process.env,
    lossTolerance: base === 'f32' ? LOSS_TOLERANCE : COARSE_LOSS_TOLERANCE,
  };
}
