/** `verawebsockets/ws` beside ws: the same errors, by class, code and words, and the same counts of listeners. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import ours from '../../lib/ws';
import { binary } from '../support/frames';
import { RawServer, response, type AcceptOptions } from '../support/raw-server';
import { endSockets, track } from '../websocket/support/sockets';

type Module = typeof ours;
type Arguments = [address: unknown, protocols?: unknown, options?: object];

// eslint-disable-next-line @typescript-eslint/no-require-imports
const theirs = require('ws') as Module;

/** Class and words of an error. */
function told(error: Error): unknown[] {
  const classes = [RangeError, SyntaxError, TypeError].map((one) => error instanceof one);
  return [error instanceof Error, ...classes, String(error)];
}

/** Of one that has a code in ws: class, words and code. */
function toldWithCode(error: Error & { code?: string; errno?: number }): unknown[] {
  return [...told(error), error.name, error.code, error.errno];
}

/** Of one that is not ws's own: the words depend on the version of Node. */
function toldWithoutWords(error: Error): unknown[] {
  return [...toldWithCode(Object.assign(error, { message: '' }))];
}

function make(module: Module, args: Arguments): InstanceType<Module> {
  const Any = module as unknown as new (...all: Arguments) => InstanceType<Module>;
  return new Any(...args);
}

/** What the constructor throws. */
function thrown(module: Module, args: Arguments): unknown[] {
  let error: Error | undefined;
  try {
    make(module, args)
      .on('error', () => undefined)
      .terminate();
  } catch (problem) {
    error = problem as Error;
  }
  assert.ok(error, 'nothing was thrown');
  return told(error);
}

/** The error of a connection. */
async function emitted(module: Module, args: Arguments): Promise<Error & { code?: string }> {
  const socket = make(module, args);
  if (module === ours) track(socket);
  const close = new Promise((resolve) => socket.on('close', resolve));
  const [error] = (await once(socket, 'error')) as [Error];
  socket.terminate();
  await close;
  return error;
}

describe('verawebsockets/ws: errors', () => {
  afterEach(endSockets);

  const ARGUMENTS: Arguments[] = [
    ['foo'],
    [''],
    [undefined],
    [5],
    ['//host/path'],
    ['ws://[host'],
    ['ws://host:99999'],
    ['bad-scheme://localhost'],
    ['mailto:someone'],
    ['ws+unix:'],
    ['ws://localhost/#fragment'],
    [new URL('ws://localhost/#fragment')],
    ['ws://localhost', ''],
    ['ws://localhost', [null]],
    ['ws://localhost', ['a', 'a']],
    ['ws://localhost', ['a,b']],
    ['ws://localhost', 5],
    ['ws://localhost', null],
    ['ws://localhost', [], { protocolVersion: 1000 }],
    ['ws://localhost', [], { protocolVersion: '13' }],
    ['foo', [], { protocolVersion: 7 }],
  ];
  for (const args of ARGUMENTS) {
    it(`of the arguments ${args.map((one) => JSON.stringify(one)).join(', ')}`, () => {
      assert.deepEqual(thrown(ours, args), thrown(theirs, args));
    });
  }

  describe('of what a server answers', () => {
    /** To both, one after the other. */
    async function compare(
      answer: string | AcceptOptions,
      options: object = {},
      of: (error: Error) => unknown[] = told,
    ): Promise<void> {
      const server = await RawServer.listen(async (connection) => {
        const request = await connection.readRequest();
        connection.write(typeof answer === 'string' ? answer : response(request, answer));
        await connection.ended;
      });
      try {
        const args: Arguments = [server.url, [], options];
        const own = await emitted(ours, args);
        assert.deepEqual(of(own), of(await emitted(theirs, args)));
      } finally {
        await server.close();
      }
    }

    it('a response that is none', () => compare('foo\r\n', {}, toldWithoutWords));
    it('the wrong protocol, and nothing else that is right', () =>
      compare({ upgrade: 'foo', accept: null }));
    it('extensions that cannot be read', () => compare({ extensions: 'foo;=bar' }));
    for (const location of ['ws://', 'bad-scheme://localhost', '/#fragment']) {
      it(`a redirect to ${location}`, () =>
        compare(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`, {
          followRedirects: true,
        }));
    }

    const FRAMES: [string, Buffer, AcceptOptions?][] = [
      ['an opcode that there is not', Buffer.from('8500', 'hex')],
      ['a masked frame', Buffer.from('818001020304', 'hex')],
      ['a ping in fragments', Buffer.from('0900', 'hex')],
      ['a bit that nobody has asked for', Buffer.from('c100', 'hex')],
      ['a Close frame of one byte', Buffer.from('880103', 'hex')],
      ['a close code that there is not', Buffer.from('880203ee', 'hex')],
      ['text that is not UTF-8', Buffer.from('8102c328', 'hex')],
      ['a reason that is not UTF-8', Buffer.from('880403e8c328', 'hex')],
      ['a length that nothing has', Buffer.from('827fffffffffffffffff', 'hex')],
      ['more than may be', binary(Buffer.alloc(101))],
    ];
    for (const [what, then, answer] of FRAMES)
      it(what, () => compare({ ...answer, then }, { maxPayload: 100 }, toldWithCode));

    it('data that cannot be inflated', () => {
      const then = Buffer.from('c204ffffffff', 'hex');
      return compare({ extensions: 'permessage-deflate', then }, {}, toldWithoutWords);
    });
  });

  it('carry what those of this library do', async () => {
    const server = await RawServer.listen(async (connection) => {
      const request = await connection.readRequest();
      connection.write(response(request, { then: Buffer.from('8500', 'hex') }));
      await connection.ended;
    });
    try {
      const error = (await emitted(ours, [server.url])) as Error & { closeCode?: number };
      assert.equal(error.closeCode, 1002);
    } finally {
      await server.close();
    }
  });
});
