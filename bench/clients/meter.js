'use strict';

const fs = require('node:fs');
const { performance } = require('node:perf_hooks');

/**
 * Nanoseconds of processor time that the first thread of a process has had: of this one, JavaScript's.
 * @param {number} pid
 */
function threadNanoseconds(pid) {
  try {
    return Number(fs.readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ', 1)[0]);
  } catch {
    return NaN; // not Linux
  }
}

function sample(server) {
  return {
    time: performance.now(),
    cpu: process.cpuUsage(),
    main: threadNanoseconds(process.pid),
    server: threadNanoseconds(server),
    loop: performance.eventLoopUtilization(),
  };
}

/** A measurement between start() and stop(). */
class Meter {
  #server;
  #from;

  /** @param {number} server process id of the server, to see how busy it was */
  constructor(server) {
    this.#server = server;
  }

  start() {
    this.#from = sample(this.#server);
  }

  /** @param {number} messages those between start() and now */
  stop(messages) {
    const from = this.#from;
    const to = sample(this.#server);
    const loop = performance.eventLoopUtilization(to.loop, from.loop);
    return {
      messages,
      seconds: (to.time - from.time) / 1e3,
      cpuSeconds: (to.cpu.user + to.cpu.system - from.cpu.user - from.cpu.system) / 1e6,
      mainSeconds: (to.main - from.main) / 1e9,
      serverSeconds: (to.server - from.server) / 1e9,
      loopActiveSeconds: loop.active / 1e3,
      loopUtilization: loop.utilization,
      rss: process.memoryUsage.rss(),
    };
  }
}

module.exports = { Meter };
