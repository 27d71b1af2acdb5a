'use strict';

const WebSocket = require('ws');

require('bufferutil'); // ws is measured at its best, which is with it

module.exports = {
  connect(url, { ca, deflate }, { open, message, fail }) {
    const socket = new WebSocket(url, { ca, perMessageDeflate: deflate });
    socket.on('open', open);
    socket.on('message', message);
    socket.on('error', fail);
    return socket;
  },
};
