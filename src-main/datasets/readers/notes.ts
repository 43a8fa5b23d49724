/** How a file was read where there was a choice: sheet, split, encoding. Told with the rows. */
export class FileNotes {
  readonly list: string[] = [];

  add(note: string): void {
    if (!this.list.includes(note)) this.list.push(note);
  }
}
