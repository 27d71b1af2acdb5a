/** What sockets asked for alike share, and what they do not. */
import { strictEqual, notStrictEqual } from 'node:assert';
import { settingsOf } from '../../lib/websocket/options';
import type { ClientOptions } from '../../lib/websocket/types';

const URL_TEXT = 'ws://localhost:9/feed';

function settings(options: ClientOptions, address: string | URL = URL_TEXT, protocols?: unknown) {
  return settingsOf(address, protocols, options, true, undefined);
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
});
