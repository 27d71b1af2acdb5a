'use strict';

// For mocha's --require: all limits of time, those that tests have of their own as well, are so many times as long as
// VWS_SLOWNESS says.

const { Runnable } = require('mocha');

const slowness = Number(process.env.VWS_SLOWNESS);
const { timeout } = Runnable.prototype;

Runnable.prototype.timeout = function (...limit) {
  return timeout.apply(
    this,
    limit.map((ms) => ms * slowness),
  );
};
