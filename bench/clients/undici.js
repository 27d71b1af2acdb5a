'use strict';

const { Agent, WebSocket } = require('undici');

/** undici has no way to drop a connection at once: its closing handshake is begun. */
module.exports = {
  connect(url, { ca }, { open, message, fail }) {
    const dispatcher = ca ? new Agent({ connect: { ca } }) : undefined;
    const socket = new WebSocket(url, { dispatcher });
    socket.binaryType = 'arraybuffer';
    socket.onopen = open;
    socket.onmessage = (event) => message(event.data);
    socket.onerror = (event) => fail(event.error ?? new Error('undici: error'));
    return { send: (data) => socket.send(data), terminate: () => socket.close() };
  },
};
