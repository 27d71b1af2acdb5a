/** What the environment says about proxies: which variable counts, and what NO_PROXY exempts. */
import { strict as assert } from 'node:assert';
import { checkProxy, isExempt } from '../../lib/options/proxy';
import { parseUrl } from '../../lib/options/url';

describe('NO_PROXY', () => {
  const exemptions: [host: string, port: number, list: string, exempt: boolean][] = [
    ['host', 80, '', false],
    ['host', 80, '*', true],
    ['host', 80, 'host', true],
    ['HOST', 80, 'host', true],
    ['host.', 80, 'host', true],
    ['a.host', 80, 'host', true],
    ['a.host', 80, '.host', true],
    ['a.host', 80, '*.host', true],
    ['ahost', 80, 'host', false],
    ['host', 80, 'host:80', true],
    ['host', 81, 'host:80', false],
    ['127.0.0.1', 80, '127.0.0.1', true],
    ['127.0.0.1', 80, '0.0.1', false],
    ['10.1.2.3', 80, '10.0.0.0/8', true],
    ['11.1.2.3', 80, '10.0.0.0/8', false],
    ['192.168.1.255', 80, '192.168.1.0/24', true],
    ['::1', 80, '::1', true],
    ['::1', 80, '[::1]:80', true],
    ['::1', 81, '[::1]:80', false],
    ['b', 80, 'a b c', true],
    // Written in another way.
    ['EXAMPLE.com', 80, 'example.COM', true],
    ['host', 80, 'host.', true],
    ['host.', 80, 'host.', true],
    ['a.host.', 80, '.HOST.', true],
    ['host', 80, 'host.:80', true],
    ['xn--mnchen-3ya.de', 80, 'münchen.de', true],
    ['www.xn--mnchen-3ya.de', 80, '*.MÜNCHEN.de', true],
    ['münchen.de', 80, 'xn--mnchen-3ya.de', true],
    ['::1', 80, '0:0:0:0:0:0:0:1', true],
    ['::1', 80, '[0:0::0:01]:80', true],
    ['fd12::a', 80, 'FD12::000A', true],
    ['::ffff:7f00:1', 80, '::ffff:127.0.0.1', true],
    ['fe80::1', 80, 'fe80::1%eth0', true],
    ['::1', 80, '::2', false],
    ['127.0.0.1', 80, '::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', 80, '127.0.0.1', false],
    // Networks of both kinds.
    ['::1', 80, '::1/128', true],
    ['fd12::3', 80, 'fd00::/8', true],
    ['fd12::3', 80, '[fd00::]/8', true],
    ['fd12::3', 81, '[fd00::]/8:80', false],
    ['fc12::3', 80, 'fd00::/8', false],
    ['10.9.9.9', 80, '10.1.2.3/8', true],
    ['1.2.3.4', 80, '0.0.0.0/0', true],
    ['::1', 80, '0.0.0.0/0', false],
    ['1.2.3.4', 80, '::/0', false],
    ['10.0.0.1', 80, '10.0.0.0/33', false],
    ['10.0.0.1', 80, '10.0.0.0/', false],
    ['10.0.0.1', 80, '10.0.0.0/x', false],
    ['::1', 80, '::1/129', false],
    ['host', 80, 'host/8', false],
    // What is no pattern of addresses.
    ['192.168.1.2', 80, '192.168.', false],
    ['192.168.1.2', 80, '192.168.1.*', false],
    ['192.168.1.2', 80, '*.1.2', false],
    // Ports, wildcards.
    ['host', 8080, '*:8080', true],
    ['host', 80, '*:8080', false],
    ['host', 8080, ':8080', false],
    ['myexample.com', 80, '*example.com', true],
    ['example.com', 80, '*.example.com', true],
    ['example.com', 80, '*', true],
    ['host', 80, '.', false],
    ['host', 80, '*.', false],
    ['host', 80, 'a,,*', true],
    ['host', 80, 'a ,\thost ', true],
    ['a', 80, 'a;b', false],
    ['a', 80, 'a|b', false],
    ['example.com', 80, 'http://example.com', false],
    ['server', 80, '<local>', false],
  ];
  for (const [host, port, list, exempt] of exemptions) {
    it(`${JSON.stringify(list)} ${exempt ? 'exempts' : 'does not exempt'} ${host}:${port}`, () => {
      assert.equal(isExempt({ host, port }, list), exempt);
    });
  }
});

describe("proxy: 'env'", () => {
  const host = (environment: NodeJS.ProcessEnv): string | undefined =>
    checkProxy('proxy', 'env', parseUrl('ws://internal.example/'), environment)?.host;

  it('takes a variable that is set to nothing for one that is not set', () => {
    const upper = { HTTP_PROXY: 'http://upper:1', NO_PROXY: 'internal.example' };
    for (const nothing of ['', '  ']) {
      assert.equal(host({ http_proxy: nothing, HTTP_PROXY: 'http://upper:1' }), 'upper');
      assert.equal(host({ ...upper, no_proxy: nothing }), undefined);
      assert.equal(host({ ...upper, NO_PROXY: nothing }), 'upper');
      assert.equal(host({ http_proxy: nothing, all_proxy: 'http://all:1' }), 'all');
    }
    assert.equal(host({ ...upper, no_proxy: 'other.example' }), 'upper');
  });

  it('takes a URL with blanks around it', () => {
    assert.equal(host({ http_proxy: ' http://p:1 ' }), 'p');
  });
});
