/** What computes: the backends of tfjs that a run can choose, and what a worker reports about each. */
export const BACKENDS = ['tensorflow', 'webgpu', 'wasm'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Environment of a worker: the graphics card to compute on, by its number or a part of its name. */
export const GPU_VARIABLE = 'GRAFT_GPU';

export interface EngineReport {
  name: BackendName;
  usable: boolean;
  /** Runs on a hardware GPU. */
  gpu: boolean;
  device: string;
  /** Memory of the card, or of the machine; null where nobody tells. */
  memoryBytes: number | null;
  /** The largest buffer that it computes with; absent where only memory sets a limit. */
  bindingBytes?: number;
  /** Of that, held by others when it was asked; absent where it is not told. */
  heldBytes?: number | null;
  /** Where the figures come from, in words; absent: the system. */
  memorySource?: string;
  /** Of a card on `webgpu`: its vendor and number as WebGPU writes them. */
  adapter?: { vendor: string; device: string };
  /** Names of the graphics cards among which one can be chosen; absent where the engine has none. */
  cards?: string[];
  /** One sentence: why it is, or is not, usable. */
  reason: string;
  /** Matrix multiplication speed of the calibration, null when not measured. */
  gflops: number | null;
}

/** One small computation on an engine beside the same in plain JavaScript. */
export interface SelfTestCheck {
  name: string;
  /** Of all values, beside the largest reference value as 1. */
  maxDifference: number;
  tolerance: number;
  passed: boolean;
}

export interface SelfTestResult {
  engine: BackendName;
  device: string;
  checks: SelfTestCheck[];
  passed: boolean;
  elapsedMs: number;
}
