/** Puts text on the clipboard. Must be called from a click or a key. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyThroughSelection(text);
  }
}

/** Where the page has no permission for the clipboard (Electron denies all), a selected text may still be copied. */
function copyThroughSelection(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
