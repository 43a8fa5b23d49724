/** What computes: the backends of tfjs that a run can choose, and what a worker reports about each. */
export const BACKENDS = ['tensorflow', 'webgpu', 'wasm'] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface EngineReport {
  name: BackendName;
  usable: boolean;
  /** Runs on a hardware GPU. */
  gpu: boolean;
  device: string;
  /** Memory the engine can use; null when it cannot tell. */
  memoryBytes: number | null;
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
