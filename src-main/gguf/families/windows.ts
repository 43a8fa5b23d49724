/** Sliding windows where llama.cpp has none. */
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';

export function noWindow({ slidingWindow }: ArchitectureSpec): string[] {
  if (!slidingWindow) return [];
  return [
    `llama.cpp lets every token of this family see all before it, this model only the last ${slidingWindow.size}: ` +
      `texts longer than ${slidingWindow.size} tokens are continued differently.`,
  ];
}
