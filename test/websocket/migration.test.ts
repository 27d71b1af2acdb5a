/** docs/migrating-from-ws.md names every member there is, and the class has all that it calls the same. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket as WsSocket, WebSocketServer as WsServer } from 'ws';
import { root } from '../support/root';
import { REFUSED_OPTIONS } from '../../lib/client/option-names';
import { CONNECTION_OPTION_NAMES } from '../../lib/options/connection-options';
import { WebSocket, WebSocketServer } from '../../lib';

describe('WebSocket: migration table', () => {
  const text = readFileSync(join(root, 'docs/migrating-from-ws.md'), 'utf8');
  const named = (name: string): boolean =>
    new RegExp(`\`(?:[^\`]*[^\\w\`])?${name}(?:\\W[^\`]*)?\``).test(text);

  it('has every public member of ws’s client', () => {
    for (const name of Object.getOwnPropertyNames(WsSocket.prototype)) {
      // Not documented by ws: between its client and its server.
      if (name === 'constructor' || name === 'setSocket' || name === 'emitClose') continue;
      assert.ok(named(name), `${name} is not in the table`);
      assert.ok(name in WebSocket.prototype, `${name} is not a member`);
    }
  });

  it('has every option, honoured or refused', () => {
    for (const name of [...REFUSED_OPTIONS.keys(), ...CONNECTION_OPTION_NAMES]) {
      assert.ok(named(name), `${name} is not in the table`);
    }
  });

  it('has every event', () => {
    for (const name of [
      'open',
      'message',
      'close',
      'error',
      'ping',
      'pong',
      'upgrade',
      'unexpected-response',
      'redirect',
    ]) {
      assert.ok(named(name), `${name} is not in the table`);
    }
  });

  it('properties are enumerable and on the prototype, as in ws', () => {
    for (const [name, theirs] of Object.entries(
      Object.getOwnPropertyDescriptors(WsSocket.prototype),
    )) {
      if (!theirs.enumerable || typeof theirs.value === 'function' || name.startsWith('_'))
        continue;
      assert.equal(
        Object.getOwnPropertyDescriptor(WebSocket.prototype, name)?.enumerable,
        true,
        name,
      );
    }
  });

  it('what it calls the same is in the code that compiles against both', () => {
    const code = readFileSync(join(root, 'test/types/ws-client-code.ts'), 'utf8');
    // No members, or options that @types/ws does not know.
    const elsewhere = new Set([
      ...['address', 'protocols', 'listener', 'callback', 'http', 'unix', 'SyntaxError'],
      ...['closeTimeout', 'auth', 'hints', 'lookup', 'autoSelectFamily', 'signal', 'noDelay'],
      ...['servername', 'ALPNProtocols', 'allowPartialTrustChain', 'blockList'],
      ...['secureContext', 'session', 'minDHSize', 'pskCallback', 'requestOCSP'],
      // The server's: compared with ws's as it runs, in test/server.
      ...['null', 'undefined', 'setSocket', 'socket', 'head', 'WebSocketServer'],
    ]);
    const [table = ''] = text.split('## The server');
    const missing = [...table.matchAll(/^\| (.+?) \| (?:[^|]*: )?same/gm)]
      .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)])
      .flatMap(([, quoted = '']) => quoted.match(/[A-Za-z]\w+/g) ?? [])
      .filter((word) => !elsewhere.has(word) && !new RegExp(`\\b${word}\\b`).test(code));
    assert.deepEqual(missing, []);
  });
});

describe('WebSocketServer: migration table', () => {
  const all = readFileSync(join(root, 'docs/migrating-from-ws.md'), 'utf8');
  const [, rest = ''] = all.split('\n## The server\n');
  const [text = ''] = rest.split('\n## ');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  const rowOf = (name: string): string => {
    const row = rows.find((line) => new RegExp(`^\\| [^|]*\`${name}\\b`).test(line));
    assert.ok(row !== undefined, `${name} is not in the table`);
    return row;
  };

  it('has every method of ws’s server, and the class has those that it does not call absent', () => {
    for (const name of Object.getOwnPropertyNames(WsServer.prototype)) {
      if (name === 'constructor') continue;
      const absent = /\| absent/.test(rowOf(name));
      assert.equal(name in WebSocketServer.prototype, !absent, name);
    }
  });

  it('has every option of ws’s server, and those that it calls the same have ws’s defaults', () => {
    const theirs: object = new WsServer({ noServer: true }).options;
    const ours = new Map<string, unknown>(
      Object.entries(new WebSocketServer({ noServer: true }).options),
    );
    for (const [name, value] of Object.entries<unknown>(theirs as Record<string, unknown>)) {
      const same = /\| same/.test(rowOf(name));
      if (same && name !== 'WebSocket') assert.equal(ours.get(name), value, name);
    }
  });

  it('has every event of ws’s server', () => {
    for (const name of ['listening', 'error', 'close', 'connection', 'headers', 'wsClientError']) {
      assert.ok(
        rows.some((line) => line.includes(`\`${name}\``)),
        name,
      );
    }
  });
});
