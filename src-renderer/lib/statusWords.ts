/** States as people read them; what the API calls them stays. */

// @wc-include
const WORDS = {
  queued: 'queued',
  running: 'running',
  paused: 'paused',
  stopped: 'stopped',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  interrupted: 'interrupted',
  waiting: 'waiting',
  answering: 'answering',
  passed: 'passed',
};

export function statusWord(status: keyof typeof WORDS): string {
  return WORDS[status];
}
