'use strict';

const { execFileSync } = require('node:child_process');
const os = require('node:os');

const version = (name) => require(`${name}/package.json`).version;

function pythonVersion() {
  const code = 'import websockets.version as v; print(v.version)';
  try {
    return execFileSync('/usr/bin/python3', ['-c', code], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

/** What the figures depend on. */
function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? os.arch(),
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    ws: version('ws'),
    bufferutil: version('bufferutil'),
    undici: version('undici'),
    'python3-websockets': pythonVersion(),
    verawebsockets: require('../../package.json').version,
    ...ownVersions(),
  };
}

/** The libraries inside the addon. */
function ownVersions() {
  try {
    return require('../..').versions ?? {};
  } catch {
    return {};
  }
}

module.exports = { describeMachine };
