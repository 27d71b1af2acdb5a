'use strict';

// A network namespace, and the bad link to it. Needs root, iproute2 and python3.

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const NAMESPACE = `vws-chaos-${process.pid}`;
/** TEST-NET-2 (RFC 5737). */
const HERE = '198.51.100.1';
const THERE = '198.51.100.2';

function ip(...args) {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

class Network {
  /** Where the broker listens: it can be reached from here and from there. */
  host = HERE;
  #link;

  static async begin() {
    const network = new Network();
    await network.#begin();
    return network;
  }

  async #begin() {
    const names = ['vwsc0', 'vwsc1'];
    this.#link = spawn('python3', [path.join(__dirname, 'link.py'), ...names], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await Promise.race([
      once(this.#link.stdout, 'data'),
      once(this.#link, 'exit').then(() => {
        throw new Error('there is no link; root is needed, iproute2 and python3');
      }),
    ]);
    ip('netns', 'add', NAMESPACE);
    ip('link', 'set', names[1], 'netns', NAMESPACE);
    ip('addr', 'add', HERE, 'peer', THERE, 'dev', names[0]);
    ip('link', 'set', names[0], 'up');
    ip('-n', NAMESPACE, 'addr', 'add', THERE, 'peer', HERE, 'dev', names[1]);
    ip('-n', NAMESPACE, 'link', 'set', names[1], 'up');
    ip('-n', NAMESPACE, 'link', 'set', 'lo', 'up');
  }

  /** Of packets each way: how many of 1 are lost, and for how long they are on their way, in ms. */
  set(loss, delay, jitter) {
    this.#link.stdin.write(`${loss} ${delay} ${jitter}\n`);
  }

  /** What stands before a command that is to run there. */
  get prefix() {
    return ['ip', 'netns', 'exec', NAMESPACE];
  }

  async end() {
    try {
      ip('netns', 'del', NAMESPACE);
    } catch {
      // It was not there yet.
    }
    const exit = once(this.#link, 'exit');
    this.#link.stdin.end();
    await exit;
  }
}

module.exports = { Network };
