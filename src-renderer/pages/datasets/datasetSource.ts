/** What the dataset page looks at: a version of a registered dataset, or a file that is about to be added. */
export type DatasetSource =
  | { id: string; version: number; map?: Record<string, string> }
  | { file: string; part?: string; noHeader?: boolean; map?: Record<string, string> };

/** What rows carry, in words. */
export const KIND_NAMES = {
  completion: 'Prompt and completion',
  alpaca: 'Instruction, input and output',
  messages: 'Messages',
  text: 'Plain text',
  preference: 'Chosen and rejected answers',
} as const;

/** The message for unknown columns: the page offers selects where the command line has options. */
export function columnsProblem(columns: readonly string[]): string {
  return `Graft does not know what the columns ${columns.join(', ')} mean; choose below which of them is which.`;
}
