/** One thing that reads files of others, as the fuzz sees it. */
import type { Form } from './mutate.ts';

export interface Reader {
  name: string;
  /** Writes a valid input into an empty folder; returns the files that are changed, relative to it. */
  write(dir: string): Promise<Record<string, Form>>;
  /** Reads the folder. Throws GraftErrors; what it returns are reasons that it gives in place of one. */
  read(dir: string): Promise<string[]> | string[];
}
