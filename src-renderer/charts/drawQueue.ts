/** Drawings waiting for a frame, one per frame: five charts at once would freeze the page. */
const waiting = new Set<() => void>();
let frame = 0;

/** Runs the drawing in one of the next frames; asked twice, it is drawn once. */
export function drawSoon(draw: () => void): void {
  waiting.add(draw);
  frame ||= requestAnimationFrame(drawNext);
}

export function drawNever(draw: () => void): void {
  waiting.delete(draw);
}

function drawNext(): void {
  const [draw] = waiting;
  frame = waiting.size > 1 ? requestAnimationFrame(drawNext) : 0;
  if (!draw) return;
  waiting.delete(draw);
  draw();
}
