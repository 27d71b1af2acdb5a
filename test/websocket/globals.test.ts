/** Test environments of a browser, as jsdom, put their own Event and EventTarget in the place of Node's. */
import { strict as assert } from 'node:assert';
import { startWsServer, type WsServer } from '../support/ws-server';
import { endSockets, track } from './support/sockets';
import * as lib from '../../lib';

const NAMES = ['Event', 'EventTarget', 'MessageEvent', 'CloseEvent'] as const;
type Globals = Record<string, unknown>;

class Foreign {
  constructor(readonly type: string) {}
}

describe('WebSocket: where globals are replaced after the library was loaded', () => {
  let server: WsServer;
  const globals = globalThis as unknown as Globals;
  const own: Globals = {};
  before(async () => {
    server = await startWsServer();
    for (const name of NAMES) {
      own[name] = globals[name];
      globals[name] = class extends Foreign {};
    }
  });
  afterEach(endSockets);
  after(() => {
    for (const name of NAMES) {
      if (own[name] === undefined) delete globals[name];
      else globals[name] = own[name];
    }
    return server.close();
  });

  for (const face of ['WebSocket', 'StandardWebSocket'] as const) {
    it(`a ${face} has its events`, async () => {
      server.wss.once('connection', (peer) => {
        peer.send('hello');
        peer.close(1000);
      });
      const socket = track(new lib[face](server.url));
      const target = socket as EventTarget;
      const seen: string[] = [];
      await new Promise<void>((resolve) => {
        for (const type of ['open', 'message', 'close']) {
          target.addEventListener(type, (event) => {
            seen.push(event.type);
            if (event.type === 'close') resolve();
          });
        }
      });
      assert.deepEqual(seen, ['open', 'message', 'close']);
    });
  }
});
