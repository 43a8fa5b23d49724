/** A document as its readers give it: headings and paragraphs in reading order. */
export interface Block {
  text: string;
  isHeading: boolean;
  /** From 1; null in formats without pages. */
  page: number | null;
}

export interface ReadDocument {
  blocks: Block[];
  /** What was left out or mended, in sentences without the name of the file. */
  notes: string[];
}

export interface DocumentReading {
  file: string;
  bytes: Uint8Array;
  /** Share of the document that is read, 0 to 1. */
  onProgress: (share: number) => void;
}

/** What a heading is called: without Markdown's marks, in one line. */
export function headingOf({ text }: Block): string {
  return text
    .replace(/^\s*#{1,6}\s+/, '')
    .replace(/\n\s*(=+|-+)$/, '')
    .replace(/\s+/g, ' ');
}
