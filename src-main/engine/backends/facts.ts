/** What a backend says of itself once it has started. */
export interface BackendFacts {
  /** Runs on a hardware GPU. */
  gpu: boolean;
  device: string;
  /** Memory the engine can use; null on a card, whose memory its driver tells (hardware/cards.ts). */
  memoryBytes: number | null;
  /** The largest buffer that it computes with; absent where only memory sets a limit. */
  bindingBytes?: number;
  /** Of a graphics card: its vendor and number as WebGPU writes them. */
  adapter?: { vendor: string; device: string };
}
