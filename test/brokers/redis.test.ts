/** The broker over Redis, with clients that are none: what it asks of them. `npm run test:brokers` has real ones. */
import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import type { Broker } from '../../lib';
import { redisBroker } from '../../lib/brokers/redis';

type Take = (message: Buffer, channel: Buffer) => void;

/** Keeps the calls of itself and its duplicates; the second duplicate is the one that subscribes. */
class Client extends EventEmitter {
  readonly isOpen = true;
  readonly made: Client[] = [];
  take: Take | undefined;
  failing = false;
  constructor(
    readonly names: string[],
    readonly calls: unknown[][] = [],
  ) {
    super();
    for (const name of names) {
      Object.assign(this, {
        [name]: (...args: unknown[]) => {
          calls.push([name, ...args.filter((arg) => typeof arg !== 'function')]);
          this.take = args.find((arg) => typeof arg === 'function') as Take | undefined;
          return this.failing ? Promise.reject(new Error('away')) : Promise.resolve();
        },
      });
    }
  }
  overrides: object | undefined;
  duplicate(overrides?: object): Client {
    const client = new Client(this.names, this.calls);
    client.overrides = overrides;
    this.made.push(client);
    return client;
  }
}

const NODE_REDIS = [
  ...['connect', 'publish', 'sPublish', 'subscribe', 'sSubscribe', 'unsubscribe', 'sUnsubscribe'],
  'destroy',
];
const IOREDIS = [
  ...['publish', 'spublish', 'subscribe', 'ssubscribe', 'unsubscribe', 'sunsubscribe'],
  'disconnect',
];

function hear(broker: Broker): string[] {
  const got: string[] = [];
  broker.onMessage((topic, message) => got.push(`${topic}: ${Buffer.from(message).toString()}`));
  return got;
}

describe('brokers: redis, without Redis', () => {
  it('with the package redis, sharded', async () => {
    const client = new Client(NODE_REDIS);
    const broker = redisBroker(client, { sharded: true, prefix: 'p:' });
    const got = hear(broker);
    assert.throws(() => hear(broker), { code: 'ERR_BROKER_IN_USE' });
    await broker.subscribe('t');
    const subscriber = client.made[1] as Client;
    subscriber.take?.(Buffer.from('x'), Buffer.from('p:t'));
    const { take } = subscriber;
    await broker.unsubscribe('t');
    take?.(Buffer.from('late'), Buffer.from('p:t'));
    await broker.publish('t', Buffer.from('y'));
    await broker.close();
    await broker.close();
    assert.deepEqual(got, ['t: x']);
    assert.deepEqual(client.calls, [
      ...[['connect'], ['connect'], ['sSubscribe', 'p:t', true], ['sUnsubscribe', 'p:t']],
      ...[['sPublish', 'p:t', Buffer.from('y')], ['destroy'], ['destroy']],
    ]);
  });

  it('with ioredis; what failed is asked for again when the connection is there', async () => {
    const client = new Client(IOREDIS);
    const broker = redisBroker(client);
    const got = hear(broker);
    const [publisher, subscriber] = client.made as [Client, Client];
    const errors: Error[] = [];
    let reconnects = 0;
    broker.onError?.((error) => errors.push(error));
    broker.onReconnect?.(() => reconnects++);
    for (const one of [publisher, subscriber]) one.emit('ready');
    subscriber.failing = true;
    await assert.rejects(Promise.resolve(broker.subscribe('t')), /away/);
    subscriber.emit('error', new Error('broken'));
    subscriber.failing = false;
    subscriber.emit('ready');
    subscriber.emit('messageBuffer', Buffer.from('verawebsockets:t'), Buffer.from('x'));
    assert.deepEqual(got, ['t: x']);
    assert.deepEqual([errors.length, reconnects], [1, 1]);
    const subscribe = ['subscribe', 'verawebsockets:t'];
    assert.deepEqual(client.calls, [subscribe, subscribe]);
  });

  it('an outage is told once for each cause, and its end once', async () => {
    const client = new Client(NODE_REDIS);
    const broker = redisBroker(client);
    hear(broker);
    const told: string[] = [];
    broker.onError?.((error) => told.push(error.message));
    broker.onReconnect?.(() => told.push('reconnect'));
    const [publisher, subscriber] = client.made as [Client, Client];
    for (let outage = 0; outage < 2; ++outage) {
      for (const one of client.made) one.emit('ready');
      if (outage === 0) assert.deepEqual(told.splice(0), []);
      else assert.deepEqual(told.splice(0), ['closed', 'refused', 'reconnect']);
      for (const one of client.made) one.emit('error', new Error('closed'));
      for (let attempt = 0; attempt < 5; ++attempt) {
        for (const one of client.made) {
          one.emit('reconnecting');
          const code = 'ECONNREFUSED';
          one.emit('error', Object.assign(new Error('refused'), { code }));
        }
      }
    }
    subscriber.emit('ready');
    assert.deepEqual(told, ['closed', 'refused']);
    publisher.emit('ready');
    assert.deepEqual(told, ['closed', 'refused', 'reconnect']);
    subscriber.emit('close');
    subscriber.emit('ready');
    assert.deepEqual(told, ['closed', 'refused', 'reconnect', 'reconnect']);
    await broker.close();
  });

  it('nothing that is published waits in a client, or is sent twice', async () => {
    const redis = new Client(NODE_REDIS);
    await redisBroker(redis).close();
    assert.deepEqual(redis.made[0]?.overrides, { disableOfflineQueue: true });
    const ioredis = new Client(IOREDIS);
    await redisBroker(ioredis).close();
    assert.deepEqual(ioredis.made[0]?.overrides, {
      ...{ autoResendUnfulfilledCommands: false, enableOfflineQueue: false },
      ...{ maxRetriesPerRequest: 0, keyPrefix: '' },
    });
  });

  it('no other client', () => {
    assert.throws(() => redisBroker({}), { code: 'ERR_INVALID_ARG_TYPE' });
    const sharded = 1 as unknown as boolean;
    assert.throws(() => redisBroker(new Client(IOREDIS), { sharded }), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});
