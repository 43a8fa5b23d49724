/**
 * What a browser sees that may not enter: why, and how to get in. A bookmark's page is still in its address and opens
 * after that.
 */
import type { ServerResponse } from 'node:http';

/** `message`: one of our own sentences, without markup. */
export function sendRefusedPage(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  res.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Graft: not open here</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
main { max-width: 34rem; margin: 12vh auto; padding: 0 1.5rem }
code { font-family: ui-monospace, monospace }
</style>
<main>
<h1>This browser is not let in yet</h1>
<p>${message}</p>
<ol>
<li>Look at the terminal in which Graft runs; it has printed <code>Graft is at http://…/?token=…</code>.
If it does not run, start it with <code>npm start</code>.</li>
<li>Open that address in this browser once.</li>
<li>Come back to this page and reload it: bookmarks of pages and runs work from then on.</li>
</ol>
</main>
</html>
`);
}
