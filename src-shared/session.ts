/**
 * How a page of the web host says that it is Graft's own: a key that came with its address lies in the store of its
 * origin, port included, and goes along with every call. A cookie alone, which every port of this machine is sent, is
 * not enough.
 */

/** Header of a call. */
export const SESSION_HEADER = 'x-graft-session';
/** Name in localStorage, in the address's fragment, and in tRPC's connectionParams: EventSource has no headers. */
export const SESSION_NAME = 'graft-session';
