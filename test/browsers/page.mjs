// Runs in a browser: talks to the servers that the page was told of, and tells what came of it.
/* global document */

const COUNT = 10_000;
const LARGE = 70_000;

/** Message number i: text and binary in turn, of all kinds of lengths. */
function messageOf(i) {
  const size = i % 1000 === 999 ? LARGE : (i * 7919) % 300;
  if (i % 2 === 0) return `${i}:${'ä€😀x'.repeat(size / 4)}`;
  const bytes = new Uint8Array(size + 4);
  new DataView(bytes.buffer).setUint32(0, i);
  for (let at = 4; at < bytes.length; ++at) bytes[at] = (i + at) & 255;
  return bytes.buffer;
}

function same(expected, data) {
  if (typeof expected === 'string' || typeof data === 'string') return expected === data;
  if (expected.byteLength !== data.byteLength) return false;
  const [a, b] = [new Uint8Array(expected), new Uint8Array(data)];
  return a.every((byte, i) => byte === b[i]);
}

function opened(url, protocols) {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error(`${url} did not open`));
  });
}

const closed = (socket) => new Promise((resolve) => (socket.onclose = resolve));

/** All messages go out at once, and come back one by one, in order. */
async function echoes(url) {
  const socket = await opened(`${url}/echo`, ['first', 'second']);
  let next = 0;
  const done = new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      if (!same(messageOf(next), data)) reject(new Error(`message ${next} differs`));
      else if (++next === COUNT) resolve();
    };
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code} after ${next}`));
  });
  for (let i = 0; i < COUNT; ++i) socket.send(messageOf(i));
  await done;
  const end = closed(socket);
  socket.close(3001, 'enough');
  const { code, reason, wasClean } = await end;
  const { protocol, extensions } = socket;
  return { protocol, extensions, code, reason, wasClean };
}

/** The server sends as many by itself, and then closes. */
async function source(url) {
  const socket = await opened(`${url}/source`);
  let next = 0;
  let wrong;
  socket.onmessage = ({ data }) => {
    if (!same(messageOf(next), data)) wrong ??= next;
    next += 1;
  };
  const { code, reason, wasClean } = await closed(socket);
  return { received: next, wrong, code, reason, wasClean };
}

async function test(url) {
  try {
    return { echo: await echoes(url), source: await source(url) };
  } catch (error) {
    return { error: String(error) };
  }
}

if (typeof document !== 'undefined') {
  const { urls } = await (await fetch('urls')).json();
  const results = {};
  for (const [name, url] of Object.entries(urls)) results[name] = await test(url);
  await fetch('results', { method: 'POST', body: JSON.stringify(results) });
  document.title = 'done';
}

export { COUNT, messageOf };
