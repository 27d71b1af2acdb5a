'use strict';

const WebSocket = require('ws');

require('bufferutil'); // ws is measured at its best, which is with it

module.exports = {
  createWebSocketStream: WebSocket.createWebSocketStream,
  connect(url, { ca, deflate }, { open, message, fail }) {
    const socket = new WebSocket(url, { ca, perMessageDeflate: deflate });
    socket.on('open', open);
    if (message) socket.on('message', message);
    socket.on('error', fail);
    return socket;
  },
};
