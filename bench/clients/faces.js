'use strict';

// The ways in which a program can take messages from a socket, and give it some: the faces of the class.

const { on } = require('node:events');

/** ws has no iteration of its own: its users write this. */
async function* eventsOf(socket) {
  for await (const [data] of on(socket, 'message')) yield data;
}

async function iterate(messages, take) {
  for await (const data of messages) take(data);
}

/**
 * What each face does with an open socket: `take` gets every message; the function returned sends one.
 * @type {Record<string, (client: any, socket: any, take: (data: any) => void) => (data: Buffer) => unknown>}
 */
const FACES = {
  on(client, socket, take) {
    socket.on('message', take);
    return (data) => socket.send(data);
  },
  onmessage(client, socket, take) {
    socket.onmessage = (event) => take(event.data);
    return (data) => socket.send(data);
  },
  iteration(client, socket, take) {
    const messages = socket[Symbol.asyncIterator] ? socket : eventsOf(socket);
    // It ends with the socket, which this program drops.
    iterate(messages, take).catch(() => undefined);
    return (data) => socket.send(data);
  },
  stream(client, socket, take) {
    const stream = client.createWebSocketStream(socket);
    stream.on('data', take);
    stream.on('error', () => undefined);
    return (data) => stream.write(data);
  },
};

module.exports = { FACES };
