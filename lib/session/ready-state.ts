/** Values of `readyState`. */
export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;

export type ReadyState = 0 | 1 | 2 | 3;
