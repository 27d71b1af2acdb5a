/** examples/metrics: its files can be read, ask for metrics that there are, and its server has them. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from '../../lib';
import { freePort } from '../support/free-port';
import { root } from '../support/root';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- it has no types
const { load } = require('js-yaml') as { load(text: string): unknown };

const folder = join(root, 'examples', 'metrics');
const file = (name: string): string => readFileSync(join(folder, name), 'utf8');

interface Dashboard {
  templating: { list: { name: string }[] };
  panels: { id: number; title: string; targets: { expr: string; refId: string }[] }[];
}

describe('examples/metrics', () => {
  it('has metrics, on a port of their own; the dashboard and the alerts ask for no others', async () => {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const program = join(folder, 'server.js');
    const child = spawn(process.execPath, [program, String(port), String(metricsPort)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    try {
      const lines: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line);
        if (lines.length === 2) break;
      }
      assert.deepEqual(lines, [
        `WebSockets: ws://127.0.0.1:${port}`,
        `metrics: http://127.0.0.1:${metricsPort}/metrics`,
      ]);
      const socket = await WebSocket.connect(`ws://127.0.0.1:${port}`);
      const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      const text = await response.text();
      assert.match(text, /^verawebsockets_connections\{server="feed"\} 1$/m);
      const known = new Set([...text.matchAll(/^(verawebsockets_\w+)/gm)].map(([name]) => name));
      const asked = [file('dashboard.json'), file('alerts.yml')].flatMap((content) =>
        [...content.matchAll(/\bverawebsockets_\w+/g)].map(([name]) => name),
      );
      assert.ok(asked.length > 20);
      assert.deepEqual(
        asked.filter((name) => !known.has(name)),
        [],
      );
      assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/`)).status, 404);
      const closed = once(socket, 'close');
      child.kill();
      assert.equal((await closed)[0], 1001);
      assert.deepEqual(await ended, [0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('has a dashboard that Grafana can take', () => {
    const { templating, panels } = JSON.parse(file('dashboard.json')) as Dashboard;
    const variables = new Set(templating.list.map(({ name }) => name));
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const { title, targets } of panels) {
      assert.ok(targets.length > 0, title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const { expr } of targets) {
        for (const [, name] of expr.matchAll(/\$\{?(\w+)/g)) {
          assert.ok(variables.has(String(name)) || name === '__rate_interval', `${title}: ${name}`);
        }
      }
    }
  });

  it('has a configuration for its own port, with the alerts', () => {
    const { scrape_configs: jobs, rule_files: rules } = load(file('prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
      rule_files: string[];
    };
    assert.deepEqual(
      jobs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets)),
      ['127.0.0.1:9464'],
    );
    assert.match(file('server.js'), /metricsPort = 9464/);
    assert.deepEqual(rules, ['alerts.yml']);
    const { groups } = load(file('alerts.yml')) as {
      groups: { rules: { alert: string; expr: string }[] }[];
    };
    assert.equal(groups.flatMap((group) => group.rules).length, 3);
  });
});
