/** What a backend says of itself once it has started. */
export interface BackendFacts {
  /** Runs on a hardware GPU. */
  gpu: boolean;
  device: string;
  /** Memory the engine can use; null when it cannot tell. */
  memoryBytes: number | null;
}
