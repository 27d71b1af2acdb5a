/** Redirects of the documented functions: up to three, and never to less security. */
import { strict as assert } from 'node:assert';
import type { IncomingMessage } from 'node:http';
import { send } from '../../lib';
import { followRedirect } from '../../lib/client/redirect';
import { parseUrl } from '../../lib/options/url';
import { Attempt } from '../support/attempt';
import { certificates } from '../support/certificates';
import { startWsServer, type WsServer, type WsServerOptions } from '../support/ws-server';

/** A server that redirects: each path to the location given for it, the others are accepted. */
async function redirecting(
  routes: (server: WsServer) => Record<string, string>,
  test: (server: WsServer, requests: IncomingMessage[]) => Promise<void>,
  options: WsServerOptions & { status?: number } = {},
): Promise<void> {
  const server = await startWsServer(options);
  const requests: IncomingMessage[] = [];
  const table = routes(server);
  const [accept] = server.http.listeners('upgrade') as ((...args: unknown[]) => void)[];
  server.http.removeAllListeners('upgrade');
  server.http.on('upgrade', (request, socket, head) => {
    requests.push(request);
    const location = table[request.url ?? ''];
    if (location === undefined) accept?.call(server.http, request, socket, head);
    else {
      const line = location === '' ? '' : `Location: ${location}\r\n`;
      socket.end(`HTTP/1.1 ${options.status ?? 302} Elsewhere\r\n${line}Content-Length: 0\r\n\r\n`);
    }
  });
  try {
    await test(server, requests);
  } finally {
    await server.close();
  }
}

const paths = (requests: IncomingMessage[]): (string | undefined)[] =>
  requests.map(({ url }) => url);

describe('redirects', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    it(`of status ${status} are followed; one event 3, what was queued arrives`, () =>
      redirecting(
        () => ({ '/a': '/b?c' }),
        async (server, requests) => {
          const attempt = new Attempt(`${server.url}/a`).connect();
          send(attempt.wso, 'queued');
          const { args } = await attempt.seen(8);
          assert.deepEqual(args, ['queued']);
          await attempt.finish();
          assert.deepEqual(paths(requests), ['/a', '/b?c']);
          assert.deepEqual(
            attempt.events.map(({ id }) => id),
            [3, 8, 4],
          );
          assert.equal(attempt.wso.url, `${server.url}/a`);
        },
        { status },
      ));
  }

  it('other statuses of three hundred are no redirects', () =>
    redirecting(
      () => ({ '/': '/b' }),
      async (server) => {
        const failure = await new Attempt(server.url).connect().failure();
        assert.equal(failure.code, 'ERR_HTTP_STATUS');
        assert.equal(failure.status, 304);
      },
      { status: 304 },
    ));

  it('three are followed, the fourth is not', () =>
    redirecting(
      () => ({ '/1': '/2', '/2': '/3', '/3': '/4', '/0': '/1' }),
      async (server, requests) => {
        const three = new Attempt(`${server.url}/1`).connect();
        await three.established();
        await three.finish();
        assert.deepEqual(paths(requests), ['/1', '/2', '/3', '/4']);
        const four = await new Attempt(`${server.url}/0`).connect().failure();
        assert.equal(four.reason, 'HS: Redirect failed');
        assert.equal(four.code, 'ERR_REDIRECT_LIMIT');
        assert.equal(four.status, 302);
        // The count begins anew with each connect().
        three.connect();
        await three.seen(3, 2);
        await three.finish();
      },
    ));

  it('without a Location', () =>
    redirecting(
      () => ({ '/': '' }),
      async (server) => {
        const failure = await new Attempt(server.url).connect().failure();
        assert.equal(failure.reason, 'HS: Redirect code but no Location');
        assert.equal(failure.code, 'ERR_REDIRECT_NO_LOCATION');
        assert.equal(failure.status, 302);
      },
    ));

  for (const location of [
    'http://',
    'ftp://host/',
    'ws://host:99999/',
    'mailto:a@b',
    'ws://host/#fragment',
  ]) {
    it(`to ${location}, which is no place to go`, () =>
      redirecting(
        () => ({ '/': location }),
        async (server) => {
          const failure = await new Attempt(server.url).connect().failure();
          assert.equal(failure.reason, 'HS: URI did not parse');
          assert.equal(failure.code, 'ERR_REDIRECT_INVALID_LOCATION');
        },
      ));
  }

  it('from ws to wss, but not back', async () => {
    const trusting = { client_ssl_ca_filepath: certificates().caPath };
    await redirecting(
      () => ({}),
      async (secure) => {
        await redirecting(
          () => ({ '/': secure.url.replace('wss', 'https') }),
          async (plain) => {
            const attempt = new Attempt(plain.url, {}, trusting).connect();
            await attempt.established();
            await attempt.finish();
          },
        );
      },
      { tls: true },
    );
    await redirecting(
      () => ({ '/': 'ws://127.0.0.1:9/' }),
      async (secure) => {
        const failure = await new Attempt(secure.url, {}, trusting).connect().failure();
        assert.equal(failure.reason, 'HS: Redirect failed');
        assert.equal(failure.code, 'ERR_REDIRECT_DOWNGRADE');
      },
      { tls: true },
    );
  });

  it('credentials stay with their host', async () => {
    const seen = ({ headers }: IncomingMessage): unknown[] => [
      headers.authorization,
      headers.cookie,
      headers['x-kept'],
    ];
    const options = { headers: { Cookie: 'a=b', 'X-Kept': 'yes' } };
    const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    await redirecting(
      () => ({}),
      async (other, otherRequests) => {
        await redirecting(
          () => ({ '/same': '/here', '/away': other.url }),
          async (server, requests) => {
            const url = server.url.replace('//', '//user:pass@');
            for (const path of ['/same', '/away']) {
              const attempt = new Attempt(url + path, options).connect();
              await attempt.established();
              await attempt.finish();
            }
            assert.deepEqual(requests.map(seen), Array(3).fill([basic, 'a=b', 'yes']));
            assert.deepEqual(otherRequests.map(seen), [[undefined, undefined, 'yes']]);
          },
        );
      },
    );
  });

  for (const [name, options, expected] of [
    ['Authorization', { headers: { authorization: 'Bearer x' } }, 'Bearer x'],
    ['auth', { auth: 'a:b' }, `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['Host', { headers: [['HOST', 'fixed.example']] }, 'fixed.example'],
  ] as const) {
    it(`so does the option ${name}`, () =>
      redirecting(
        () => ({}),
        (other, otherRequests) =>
          redirecting(
            () => ({ '/same': '/here', '/away': other.url }),
            async (server, requests) => {
              for (const path of ['/same', '/away']) {
                const attempt = new Attempt(server.url + path, options).connect();
                await attempt.established();
                await attempt.finish();
              }
              const field = name === 'Host' ? 'host' : 'authorization';
              const seen = ({ headers }: IncomingMessage): unknown => headers[field];
              assert.deepEqual(requests.map(seen), Array(3).fill(expected));
              const theirs = name === 'Host' ? new URL(other.url).host : undefined;
              assert.deepEqual(otherRequests.map(seen), [theirs]);
            },
          ),
      ));
  }

  it('a relative one stays on its unix socket', () =>
    redirecting(
      () => ({ '/a': '/b' }),
      async (server, requests) => {
        const attempt = new Attempt(`${server.url}:/a`).connect();
        await attempt.established();
        await attempt.finish();
        assert.deepEqual(paths(requests), ['/a', '/b']);
      },
      { on: 'unix' },
    ));

  it('close() in between ends in event 1', () =>
    redirecting(
      () => ({ '/': 'ws://127.0.0.1:9/' }),
      async (server) => {
        const attempt = new Attempt(server.url).connect();
        server.http.once('upgrade', () => attempt.finish());
        const failure = await attempt.failure();
        assert.match(failure.code, /^E/);
        assert.deepEqual(
          attempt.events.map(({ id }) => id),
          [1],
        );
      },
    ));

  it('resolve against the URL that answered', () => {
    const answer = { code: 'X', reason: 'x', detail: '' };
    const to = (from: string, location: string): string => {
      const step = followRedirect(parseUrl(from), { ...answer, location }, 0);
      return 'url' in step ? `${step.url.href} ${step.sameOrigin}` : step.failure.code;
    };
    assert.equal(to('ws://host/a/b?c', 'd'), 'ws://host/a/d true');
    assert.equal(to('ws://host/a/b?c', '?d'), 'ws://host/a/b?d true');
    assert.equal(to('ws://host/a', '//other/b'), 'ws://other/b false');
    assert.equal(to('ws://host/a', 'http://host/b'), 'ws://host/b true');
    assert.equal(to('ws://host/a', 'ws://host:81/b'), 'ws://host:81/b false');
    assert.equal(to('ws://host/a', 'wss://host/b'), 'wss://host/b false');
    assert.equal(to('wss://host/a', 'http://host/b'), 'ERR_REDIRECT_DOWNGRADE');
  });
});
