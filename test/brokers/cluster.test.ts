/** The broker over the channels of a cluster, with workers. */
import { strict as assert } from 'node:assert';
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import { clusterBroker, clusterRelay, type ClusterRelay } from '../../lib/brokers/cluster';
import type { Order } from './support/worker';

async function ask(worker: Worker, order: Order): Promise<unknown> {
  const answer = new Promise((resolve) => {
    const take = (message: { answer?: unknown }): void => {
      if (!('answer' in message)) return;
      worker.off('message', take);
      resolve(message.answer);
    };
    worker.on('message', take);
  });
  worker.send(order);
  return answer;
}

describe('brokers: cluster', () => {
  let relay: ClusterRelay;
  const workers: Worker[] = [];
  const fork = (): Worker => {
    const { exec, args } = cluster.settings;
    cluster.setupPrimary({ exec: join(__dirname, 'support/worker.js'), args: [] });
    const worker = cluster.fork();
    cluster.setupPrimary({ ...(exec && { exec }), ...(args && { args }) });
    workers.push(worker);
    return worker;
  };
  const end = async (worker: Worker): Promise<void> => {
    if (worker.isDead()) return;
    const exit = once(worker, 'exit');
    worker.process.kill('SIGKILL');
    await exit;
  };
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  afterEach(async () => {
    await Promise.all(workers.splice(0).map(end));
    relay?.close();
  });

  it('workers get what others publish, once and in order, and nothing of their own twice', async () => {
    relay = clusterRelay();
    const all = [fork(), fork(), fork()] as const;
    const [one, two, three] = all;
    for (const worker of all) assert.equal(await ask(worker, { order: 'join' }), true);
    const sent = ['one', 'ä€', '', 'x'.repeat(100_000)];
    for (const text of sent) {
      assert.equal(await ask(one, { order: 'publish', data: base64(text) }), 1);
    }
    const wanted = sent.map((text) => `binary ${text}`);
    for (const worker of all) {
      assert.deepEqual(await ask(worker, { order: 'got', count: sent.length }), wanted);
    }
    // Who has left gets no more; who has died does no harm.
    assert.equal(await ask(two, { order: 'leave' }), true);
    await end(three);
    await ask(one, { order: 'publish', data: base64('late') });
    assert.equal(await ask(two, { order: 'join' }), true);
    await ask(one, { order: 'publish', data: base64('again') });
    const got = (await ask(two, { order: 'got', count: 5 })) as string[];
    assert.deepEqual(got, [...wanted, 'binary again']);
    const none = { lost: 0, lostBytes: 0, waitingBytes: 0, late: 0, errors: 0, reconnects: 0 };
    assert.deepEqual(await ask(two, { order: 'stats' }), { published: 0, received: 5, ...none });
    assert.deepEqual(await ask(one, { order: 'stats' }), { published: 6, received: 0, ...none });
    assert.equal(relay.lost, 0);
    assert.equal(await ask(two, { order: 'second' }), 'ERR_BROKER_IN_USE');
    assert.equal(await ask(two, { order: 'close' }), 'closed');
  });

  it('what is too much for a worker is lost for it, and counted', async () => {
    relay = clusterRelay({ limit: 100 });
    const [one, two] = [fork(), fork()];
    for (const worker of [one, two]) await ask(worker, { order: 'join' });
    await ask(one, { order: 'publish', data: base64('x'.repeat(100)) });
    await ask(one, { order: 'publish', data: base64('small') });
    assert.deepEqual(await ask(two, { order: 'got', count: 1 }), ['binary small']);
    assert.equal(relay.lost, 1);
  });

  it('is for a cluster', () => {
    assert.throws(() => clusterBroker(), { code: 'ERR_BROKER_ROLE' });
    assert.throws(() => clusterRelay({ limit: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  });
});
