/** Listens to the keyboard for the whole page, and knows which of the two dialogs of the shell is open. */
import { ShortcutMatcher, type Command } from '../../../src-shared/shortcuts.ts';
import { router } from '../router.svelte.ts';

export const isMac = /mac/i.test(navigator.userAgent) && !/windows|linux/i.test(navigator.userAgent);

class Shortcuts {
  listOpen = $state(false);
  paletteOpen = $state(false);
  #matcher = new ShortcutMatcher(isMac);

  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    const command = this.#matcher.press(event, isTyping(event.target), event.timeStamp);
    // A dialog that is open keeps the keyboard; only the palette may be closed by its own key.
    if (!command || (dialogIsOpen() && !(command.kind === 'palette' && this.paletteOpen))) return;
    event.preventDefault();
    this.run(command);
  }

  run(command: Command): void {
    switch (command.kind) {
      case 'go':
        return router.go(command.page);
      case 'list':
        this.listOpen = true;
        return;
      case 'palette':
        this.paletteOpen = !this.paletteOpen;
        return;
      case 'search':
        return this.#search();
      default:
        return command satisfies never;
    }
  }

  /** A page without a search has the palette, which searches everything. */
  #search(): void {
    const fields = document.querySelectorAll<HTMLInputElement>('main input[type=search]');
    const field = [...fields].find((candidate) => candidate.checkVisibility());
    if (field) field.focus();
    else this.paletteOpen = true;
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'range', 'button', 'submit', 'file'].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function dialogIsOpen(): boolean {
  return document.querySelector('[role=dialog], [role=alertdialog], dialog[open]') !== null;
}

export const shortcuts = new Shortcuts();
