/** Saves a file from the page, as a download on the web host and in Electron alike. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has taken the content over once the click is done; the address goes a little later to be safe.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A name that every file system takes: `describe a cat` -> `describe-a-cat`. */
export function fileName(text: string): string {
  return (
    text
      .replace(/[^\p{L}\p{N}._-]+/gu, '-')
      .replace(/^[-.]+|-+$/g, '')
      .slice(0, 80) || 'run'
  );
}
