'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { OUT } = require('./build');

/** Starts the server in a process of its own. It ends with this one, or by stop(). */
async function startServer() {
  const certificate = path.join(OUT, `certificate-${process.pid}.pem`);
  const child = spawn(path.join(OUT, 'server'), [certificate], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => ['{}'])]);
  const { plain, tls } = JSON.parse(line);
  if (!plain) throw new Error('the server did not start');
  return {
    plain,
    tls,
    certificate,
    pid: child.pid,
    async stop() {
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
      fs.rmSync(certificate, { force: true });
    },
  };
}

module.exports = { startServer };
