/** Of a WebSocketServer; ws's numbers. */
export const enum State {
  Running,
  Closing,
  Closed,
}
