'use strict';

// What the README prints, run as it is printed, in an empty folder: commands, programs, and what must come out. Only
// its ports are others.
//
// Blocks: "sh" has commands, "js" a program whose first line is a comment with its file's name, "text" what the
// commands before it print. A command that is a server goes on beside what follows.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { failure } = require('../deps/run');
const { execute } = require('./execute');
const { freePort } = require('./free-port');
const { cleanEnvironment } = require('./package');
const { root } = require('./checkout');

const SERVERS = /^(?:npx verawebsockets listen|node server\.mjs)\b/;
/** How long a server may take to listen, in ms. */
const PATIENCE = 20_000;

function blocksOf(text) {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, kind, body]) => ({
    kind,
    body,
  }));
}

/** The text with other ports, and these. */
async function withFreePorts(text) {
  const ports = {};
  for (const [port] of text.matchAll(/\b8\d{3}\b/g)) ports[port] ??= await freePort();
  return {
    text: text.replace(/\b8\d{3}\b/g, (port) => ports[port]),
    ports: Object.values(ports),
  };
}

async function listens(port) {
  const socket = net.connect(port, 'localhost');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

class ReadmeRun {
  #servers = [];
  /** What the commands since the last comparison have printed. */
  #output = '';
  #passed = 0;

  constructor(folder, registry) {
    this.folder = folder;
    this.env = {
      ...cleanEnvironment(),
      ...registry.environment,
      NO_COLOR: '1',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
    };
    this.env.PATH = [path.dirname(process.execPath), this.env.PATH].join(path.delimiter);
  }

  /** Runs it all. onOutput is called when something has come out as printed, with the count of such. */
  async run(onOutput) {
    const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
    const { text, ports } = await withFreePorts(blocksOf(readme).map(toText).join(''));
    try {
      for (const { kind, body } of blocksOf(text)) {
        if (kind === 'js') this.#write(body);
        else if (kind === 'sh') await this.#commands(body, ports);
        else this.#compare(body, onOutput);
      }
    } finally {
      const running = this.#servers.filter((server) => server.exitCode === null);
      for (const server of running) process.kill(-server.pid);
      await Promise.all(running.map((server) => once(server, 'close')));
    }
    return this.#passed;
  }

  #write(program) {
    const name = /^\/\/ ([\w.]+)\n/.exec(program)?.[1];
    if (!name) throw failure(`README.md: a program without a name is not run:\n${program}`);
    fs.writeFileSync(path.join(this.folder, name), program);
  }

  async #commands(lines, ports) {
    for (const line of lines.trimEnd().split('\n')) {
      if (SERVERS.test(line)) {
        await this.#serve(line, ports);
        continue;
      }
      const { output, code } = await execute('sh', ['-c', line], {
        cwd: this.folder,
        env: this.env,
      });
      if (code !== 0) throw failure(`${line}: ended with ${code} and said:\n${output}`);
      // What npm and openssl say is not printed.
      if (/^(?:node|npx) /.test(line)) this.#output += output;
    }
  }

  async #serve(command, ports) {
    const free = [];
    for (const port of ports) if (!(await listens(port))) free.push(port);
    // A process group, since npx starts another process.
    const options = { cwd: this.folder, env: this.env, detached: true };
    const server = spawn('sh', ['-c', command], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#servers.push(server);
    let said = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (data) => (said += data));
    const end = Date.now() + PATIENCE;
    while (Date.now() < end && server.exitCode === null) {
      for (const port of free) if (await listens(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw failure(`${command}: does not listen, and said:\n${said}`);
  }

  #compare(expected, onOutput) {
    if (this.#output !== expected)
      throw failure(`README.md promises:\n${expected}and this came:\n${this.#output}`);
    this.#output = '';
    onOutput?.(++this.#passed);
  }
}

const toText = ({ kind, body }) => `\`\`\`${kind}\n${body}\`\`\`\n`;

module.exports = { ReadmeRun };
