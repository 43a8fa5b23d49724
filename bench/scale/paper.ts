/**
 * What more processes would give, on paper: a ring over N of them sends each 2·(N-1)/N of the gradients in 2·(N-1)
 * messages (Patarasuk and Yuan 2009), which nothing else of the step hides.
 */
export interface Network {
  gigabitsPerSecond: number;
  /** From one process to the next. */
  latencyMs: number;
}

/** Latencies as such networks have them: TCP over Ethernet, and the last one with RDMA. */
export const NETWORKS: Network[] = [
  { gigabitsPerSecond: 1, latencyMs: 0.05 },
  { gigabitsPerSecond: 10, latencyMs: 0.02 },
  { gigabitsPerSecond: 100, latencyMs: 0.003 },
];

export function ringMs(processes: number, bytes: number, { gigabitsPerSecond, latencyMs }: Network): number {
  const bytesPerMs = (gigabitsPerSecond * 1e9) / 8 / 1000;
  const hops = 2 * (processes - 1);
  return ((hops / processes) * bytes) / bytesPerMs + hops * latencyMs;
}

export interface Parts {
  /** What each process computes in a step. */
  computeMs: number;
  /** Gradients out of the engine and back. */
  handOverMs: number;
  bytes: number;
}

/** Share of the step in which a process computes: 1 where N processes are N times as fast. */
export function efficiency(processes: number, { computeMs, handOverMs, bytes }: Parts, network: Network): number {
  return computeMs / (computeMs + handOverMs + ringMs(processes, bytes, network));
}

/** The same where all that can be sent during the backward pass, two thirds of computing, would be. */
export function overlapped(processes: number, { computeMs, handOverMs, bytes }: Parts, network: Network): number {
  const left = Math.max(0, ringMs(processes, bytes, network) - (2 / 3) * computeMs);
  return computeMs / (computeMs + handOverMs + left);
}
