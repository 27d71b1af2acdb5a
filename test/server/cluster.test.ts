/** Session tickets in a cluster: its workers share their keys, and get new ones while they run. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { libraryPath, root } from '../support/root';
import { upgradeRequest } from './support/ways';
import type { Settings } from './support/ticket-worker';

interface Visit {
  /** What the server says who it is. */
  words: string;
  session: Buffer;
  resumed: boolean;
}

/** Opens a WebSocket, hears one message, and goes. */
async function visit(port: number, options: ConnectionOptions, session?: Buffer): Promise<Visit> {
  const { ca } = certificates();
  const peer: TLSSocket = connect({
    ...options,
    ...(session && { session }),
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca,
  });
  // A session that is resumed is not given anew.
  const given = session ?? once(peer, 'session').then(([made]) => made as Buffer);
  peer.write(upgradeRequest());
  const heard = new Promise<string>((resolve) => {
    let bytes = '';
    peer.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1');
      // The answer, and a frame with the words.
      const [, words] = /\r\n\r\n[^](.[^]*)$/.exec(bytes) ?? [];
      if (words && words.length === 1 + words.charCodeAt(0)) resolve(words.slice(1));
    });
  });
  const [mine, words] = await Promise.all([given, heard]);
  const resumed = peer.isSessionReused();
  peer.destroy();
  return { words, session: mine, resumed };
}

class Member {
  private constructor(
    private readonly worker: Worker,
    private readonly port: number,
  ) {}

  static async fork(ticketKeys: Buffer): Promise<Member> {
    const worker = cluster.fork();
    return new Member(worker, await tell(worker, ticketKeys));
  }

  /** Other keys; resolves when the worker has them. */
  async rotate(ticketKeys: Buffer): Promise<void> {
    assert.equal(await tell(this.worker, ticketKeys), this.port);
  }

  async visit(options: ConnectionOptions, session?: Buffer): Promise<Visit> {
    const result = await visit(this.port, options, session);
    assert.equal(result.words, String(this.worker.process.pid));
    return result;
  }

  async end(): Promise<void> {
    const ended = once(this.worker, 'exit');
    this.worker.process.kill('SIGKILL');
    await ended;
  }
}

async function tell(worker: Worker, ticketKeys: Buffer): Promise<number> {
  const { cert, key } = certificates().server;
  const answered = once(worker, 'message') as Promise<[number]>;
  worker.send({
    cert: String(cert),
    key: String(key),
    ticketKeys: ticketKeys.toString('base64'),
  } satisfies Settings);
  return (await answered)[0];
}

describe('server: session tickets in a cluster', () => {
  const [first, second, third] = [randomBytes(48), randomBytes(48), randomBytes(48)] as const;
  const members: Member[] = [];

  before(() => {
    cluster.setupPrimary({ exec: join(__dirname, 'support/ticket-worker.js'), args: [] });
  });
  afterEach(() => Promise.all(members.splice(0).map((member) => member.end())));

  async function fork(ticketKeys: Buffer): Promise<Member> {
    const member = await Member.fork(ticketKeys);
    members.push(member);
    return member;
  }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`a session of one worker is resumed with another, while keys rotate: ${maxVersion}`, async () => {
      const options = { maxVersion };
      const resumes = async (member: Member, session: Buffer): Promise<boolean> =>
        (await member.visit(options, session)).resumed;
      const [one, two] = await Promise.all([fork(first), fork(first)]);
      const { session: old, resumed } = await one.visit(options);
      assert.equal(resumed, false);
      assert.equal(await resumes(two, old), true, 'the key is shared');

      // One of them has heard of the new key, the other has not.
      await one.rotate(Buffer.concat([second, first]));
      assert.equal(await resumes(one, old), true, 'the key before is in the list');
      const { session: young } = await one.visit(options);
      assert.equal(await resumes(two, young), false, 'a key that is not known yet');
      await two.rotate(Buffer.concat([second, first]));
      assert.equal(await resumes(two, young), true, 'the new key is shared');

      // The first key has gone. A worker that comes later has what the others have.
      const last = Buffer.concat([third, second]);
      const [late] = await Promise.all([fork(last), one.rotate(last), two.rotate(last)]);
      for (const member of [one, two, late]) {
        assert.equal(await resumes(member, old), false, 'the key is not in the list');
        assert.equal(await resumes(member, young), true, 'the key before is in the list');
      }
    });
  }

  it('the program of docs/server.md does so, on one port', async () => {
    const text = readFileSync(join(root, 'docs/server.md'), 'utf8');
    const [, program] = /```js\n(const cluster = [^]*?)```/.exec(text) ?? [];
    assert.ok(program);
    const port = await freePort('::');
    const { certPath, keyPath } = certificates().server;
    const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
    const file = join(folder, 'program.cjs');
    const made = program
      .replace("'verawebsockets'", JSON.stringify(libraryPath))
      .replace("'server.pem'", JSON.stringify(certPath))
      .replace("'server.key'", JSON.stringify(keyPath))
      .replace('8443', String(port));
    // Each of its workers says when it listens.
    const says = `if (!cluster.isPrimary) process.once('message', () => {
      server.on('listening', () => console.log('listening'));
    });\n`;
    writeFileSync(file, made + says);
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    try {
      let listening = 0;
      for await (const line of createInterface(child.stdout)) {
        assert.equal(line, 'listening');
        if (++listening === 4) break;
      }
      const { words, session } = await visit(port, {});
      let other;
      // The system chooses among the workers.
      do other = await visit(port, {}, session);
      while (other.words === words);
      assert.match(words + other.words, /^worker \dworker \d$/);
      assert.equal(other.resumed, true);
    } finally {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true });
    }
  });
});
