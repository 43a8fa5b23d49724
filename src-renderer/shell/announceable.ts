/** Where an announcement goes: into the page, to the system, or nowhere. */
export function announcementsWanted(now: { wanted: boolean; hidden: boolean; permission: string; seen: boolean }): {
  toast: boolean;
  system: boolean;
} {
  if (!now.wanted) return { toast: false, system: false };
  const system = now.hidden && now.permission === 'granted';
  // Whoever comes back to the window finds the toast, unless the page itself tells it.
  return { toast: !now.seen, system };
}
