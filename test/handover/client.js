'use strict';

// Opens WebSockets, some at once, until it is told to stop: each is an attempt that succeeds when it is open. Says how
// many there were.
//
// client.js PORT NUMBER: the number chooses addresses of its own.

const { WebSocket } = require('../..');

const [port, number] = process.argv.slice(2).map(Number);
const AT_ONCE = 16;
/** Each has some ten thousand ports. */
const ADDRESSES = 8;
const STEP = 50;

let begun = 0;
let done = 0;
let stopped = false;
process.once('message', () => (stopped = true));
const failures = [];

function attempt() {
  const localAddress = `127.0.${number + 1}.${1 + (begun % ADDRESSES)}`;
  begun += 1;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { localAddress });
  let opened = false;
  socket.on('open', () => {
    opened = true;
    socket.close();
  });
  socket.on('error', (error) => {
    if (!opened) failures.push(`${error.code ?? ''} ${error.message}`);
  });
  socket.on('close', () => {
    done += 1;
    if (done % STEP === 0) process.send({ done });
    if (!stopped) attempt();
    else if (done === begun) {
      process.send({ done, failures });
      process.disconnect();
    }
  });
}
for (let i = 0; i < AT_ONCE; ++i) attempt();
