/** Names from outside that are those of Object.prototype's members: each is as unknown as any other. */
import { strict as assert } from 'node:assert';
import { create, WebSocket } from '../../lib';
import { Api } from '../../lib/functions/api';
import { Environment } from '../../lib/addon/environment';
import { resolveHandler } from '../../lib/functions/events';
import { freePort } from '../support/free-port';
import { FakeAddon } from './fake-addon';

const NAMES = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'];

describe('names like those of Object.prototype', () => {
  for (const name of NAMES) {
    const given = { [name]: 1 } as object;

    it(`configure(): ${name}`, () => {
      const api = new Api(new Environment(new FakeAddon()));
      assert.throws(() => api.configure(given), { code: 'ERR_UNKNOWN_OPTION' });
    });

    it(`create(): ${name}`, () => {
      const options = { url: 'ws://localhost/', ...given };
      assert.throws(() => create(options as never), { code: 'ERR_UNKNOWN_OPTION' });
      const ssl = { url: 'ws://localhost/', ssl_settings: given };
      assert.throws(() => create(ssl as never), { code: 'ERR_UNKNOWN_OPTION' });
    });

    it(`options of a WebSocket: ${name}`, () => {
      const make = (options: object) => () => new WebSocket('ws://localhost/', options);
      for (const options of [
        given,
        { perMessageDeflate: given },
        { perMessageDeflate: { zlibDeflateOptions: given } },
        { heartbeat: given },
        { reconnect: given },
      ]) {
        assert.throws(make(options), { code: 'ERR_UNKNOWN_OPTION' }, Object.keys(options)[0]);
      }
    });

    it(`the name of a handler: ${name}`, () => {
      assert.throws(() => resolveHandler(3, name), { code: 'ERR_HANDLER_NOT_FOUND' });
    });

    it(`an event that only the emitter knows: ${name}`, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${await freePort()}/`);
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
      socket.on('error', () => undefined);
      const seen: unknown[] = [];
      socket.addEventListener(name, (event: unknown) => seen.push(event));
      socket.on(name, (...args: unknown[]) => seen.push(...args));
      socket.emit(name, 'given');
      assert.deepEqual(seen, ['given']);
      await closed;
    });
  }
});
