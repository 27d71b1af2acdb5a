'use strict';

const https = require('node:https');
const { WebSocketServer } = require('ws');
const { serve } = require('./ws-face');

module.exports = (p) => serve({ WebSocketServer, https }, p);
