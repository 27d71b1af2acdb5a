/** What sockets asked for alike share, and what they do not. */
import { strictEqual, notStrictEqual } from 'node:assert';
import { environment } from '../../lib/addon/environment';
import { redirected, settingsOf, targetOf } from '../../lib/client/options';
import type { ClientOptions } from '../../lib/websocket/types';

const URL_TEXT = 'ws://localhost:9/feed';

function settings(options: ClientOptions, address: string | URL = URL_TEXT, protocols?: unknown) {
  return settingsOf(address, protocols, options, true, undefined);
}

/** What the connection of a socket is given. */
function target(options: ClientOptions, address = URL_TEXT) {
  const found = settings(options, address);
  return targetOf(found, found.first, environment().tls);
}

describe('settings of a WebSocket', () => {
  it('are shared by sockets asked for in the same words', () => {
    strictEqual(settings({ maxPayload: 10 }), settings({ maxPayload: 10 }));
    strictEqual(settings({}, URL_TEXT, 'chat'), settings({}, URL_TEXT, 'chat'));
  });

  it('follow an options object that is changed and used again', () => {
    const options: ClientOptions = { maxPayload: 10 };
    strictEqual(settings(options).first.options.maxPayload, 10);
    options.maxPayload = 20;
    strictEqual(settings(options).first.options.maxPayload, 20);
  });

  it('are not shared where objects take part', () => {
    const headers: Record<string, string> = { one: '1' };
    const before = settings({ headers });
    headers['two'] = '2';
    notStrictEqual(settings({ headers }), before);
    notStrictEqual(settings({}, new URL(URL_TEXT)), settings({}, new URL(URL_TEXT)));
    notStrictEqual(settings({}, URL_TEXT, ['chat']), settings({}, URL_TEXT, ['chat']));
  });

  for (const [what, other] of Object.entries({
    address: () => settings({ maxPayload: 10 }, 'ws://localhost:9/other'),
    protocols: () => settings({ maxPayload: 10 }, URL_TEXT, 'chat'),
    value: () => settings({ maxPayload: 11 }),
    'option more': () => settings({ maxPayload: 10, autoPong: false }),
    'option less': () => settings({}),
    face: () => settingsOf(URL_TEXT, undefined, { maxPayload: 10 }, false, undefined),
    base: () => settingsOf(URL_TEXT, undefined, { maxPayload: 10 }, true, 'ws://localhost:8/'),
  })) {
    it(`are others with another ${what}`, () => {
      const one = settings({ maxPayload: 10 });
      notStrictEqual(other(), one);
    });
  }

  it('have one target for all connections', () => {
    strictEqual(target({ maxPayload: 10 }), target({ maxPayload: 10 }));
    notStrictEqual(target({ maxPayload: 10 }).id, target({ maxPayload: 11 }).id);
  });

  for (const [what, make] of Object.entries({
    'an object takes part': () => target({ headers: { one: '1' } }),
    'TLS is looked at again': () => target({}, 'wss://localhost:9/'),
    'the environment may name another proxy': () => target({ proxy: 'env' }),
    'the request is finished by the user': () => target({ finishRequest: () => undefined }),
  })) {
    it(`have a target for each connection where ${what}`, () => {
      strictEqual(make().id, 0);
      notStrictEqual(make(), make());
    });
  }

  it('have another target for a request that was redirected', () => {
    const found = settings({});
    const request = redirected(found.first, found.first, '/elsewhere', false);
    const { tls } = environment();
    notStrictEqual(targetOf(found, request, tls).id, targetOf(found, found.first, tls).id);
  });
});
