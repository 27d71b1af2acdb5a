/** The broker over NATS, with a connection that is none. `npm run test:brokers` has a real one. */
import { strict as assert } from 'node:assert';
import { natsBroker } from '../../lib/brokers/nats';

type Callback = (error: Error | null, message: { data: Uint8Array }) => void;
type Told = { type: string; server?: string; error?: Error };

/** Keeps what it is asked for. */
class Connection {
  readonly calls: string[] = [];
  readonly callbacks = new Map<string, Callback>();
  readonly flushes: { resolve: () => void; reject: (error: Error) => void }[] = [];
  end: (error?: Error) => void = () => undefined;
  #tell: (status: Told | undefined) => void = () => undefined;
  closedAlready = false;

  publish(subject: string, payload: Uint8Array): void {
    this.calls.push(`publish ${subject} ${Buffer.from(payload).toString()}`);
  }
  subscribe(subject: string, { callback }: { callback: Callback }): { unsubscribe(): void } {
    this.calls.push(`subscribe ${subject}`);
    this.callbacks.set(subject, callback);
    return { unsubscribe: () => this.calls.push(`unsubscribe ${subject}`) };
  }
  flush(): Promise<void> {
    this.calls.push('flush');
    return new Promise((resolve, reject) => this.flushes.push({ resolve, reject }));
  }
  closed(): Promise<void | Error> {
    return new Promise((resolve) => (this.end = resolve));
  }
  isClosed(): boolean {
    return this.closedAlready;
  }
  /** Told, and taken by whoever iterates. */
  async tell(status: Told): Promise<void> {
    this.#tell(status);
    await new Promise(setImmediate);
  }
  status(): AsyncIterable<Told> & { stop(): void } {
    const waiting: Told[] = [];
    let wake: () => void = () => undefined;
    let over = false;
    this.#tell = (status) => {
      if (status) waiting.push(status);
      else over = true;
      wake();
    };
    const stop = (): void => {
      this.calls.push('stop');
      this.#tell(undefined);
    };
    async function* all(): AsyncGenerator<Told> {
      while (!over) {
        const next = waiting.shift();
        if (next) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    return Object.assign(all(), { stop });
  }
}

/** A connection, its broker, and what that tells. */
function begin(options?: { prefix?: string }): {
  nats: Connection;
  broker: ReturnType<typeof natsBroker>;
  got: string[];
  told: string[];
} {
  const nats = new Connection();
  const broker = natsBroker(nats, options);
  const [got, told]: [string[], string[]] = [[], []];
  broker.onMessage((topic, message) => got.push(`${topic}: ${Buffer.from(message).toString()}`));
  broker.onError?.((error) => told.push(error.message));
  broker.onReconnect?.(() => told.push('reconnect'));
  return { nats, broker, got, told };
}

describe('brokers: nats, without NATS', () => {
  it('subscribes, publishes, and is told by one flush what has arrived', async () => {
    const { nats, broker, got } = begin();
    assert.throws(() => broker.onMessage(() => undefined), { code: 'ERR_BROKER_IN_USE' });
    await broker.subscribe('t');
    nats.callbacks.get('verawebsockets.t')?.(null, { data: Buffer.from('x') });
    const done = [broker.publish('t', Buffer.from('1')), broker.publish('t', Buffer.from('2'))];
    await new Promise(setImmediate);
    nats.flushes[0]?.resolve();
    await Promise.all(done);
    const lost = broker.publish('t', Buffer.from('3'));
    await new Promise(setImmediate);
    nats.flushes[1]?.reject(new Error('broken'));
    await assert.rejects(Promise.resolve(lost), /broken/);
    await broker.unsubscribe('t');
    await broker.subscribe('u');
    await broker.close();
    await broker.close();
    assert.deepEqual(got, ['t: x']);
    assert.deepEqual(nats.calls, [
      ...['subscribe verawebsockets.t', 'publish verawebsockets.t 1', 'publish verawebsockets.t 2'],
      ...['flush', 'publish verawebsockets.t 3', 'flush', 'unsubscribe verawebsockets.t'],
      ...['subscribe verawebsockets.u', 'unsubscribe verawebsockets.u', 'stop'],
    ]);
  });

  it('any topic is one token of a subject, and no two are the same', () => {
    const { nats, broker } = begin({ prefix: 'p.' });
    const topics = ['', '%', 'a.b', 'a b', '*', '>', 'ä€', '😀', 'a%2Eb', 'room/1:~@-_', '\r\n'];
    for (const topic of topics) void broker.subscribe(topic);
    const subjects = [...nats.callbacks.keys()];
    assert.equal(new Set(subjects).size, topics.length);
    for (const subject of subjects) assert.match(subject, /^p\.[\w~:/@%-]+$/);
    assert.ok(subjects.includes('p.room/1:~@-_'));
    assert.ok(subjects.includes('p.a%2Eb'));
    assert.ok(subjects.includes('p.%C3%A4%E2%82%AC'));
  });

  it('tells of the connection, and publishes nothing while there is none', async () => {
    const { nats, broker, told } = begin();
    await broker.subscribe('t');
    await nats.tell({ type: 'ping' });
    await nats.tell({ type: 'disconnect', server: 'here' });
    await assert.rejects(Promise.resolve(broker.publish('t', Buffer.from('x'))), /no connection/);
    await nats.tell({ type: 'reconnect' });
    void broker.publish('t', Buffer.from('y'));
    await nats.tell({ type: 'error', error: new Error('the server says no') });
    nats.callbacks.get('verawebsockets.t')?.(new Error('not allowed'), { data: Buffer.alloc(0) });
    nats.end();
    await new Promise(setImmediate);
    await assert.rejects(Promise.resolve(broker.publish('t', Buffer.from('z'))), /no connection/);
    nats.closedAlready = true;
    await broker.unsubscribe('t');
    const broken = 'the connection to NATS has broken (here)';
    const closed = 'the connection to NATS has been closed';
    assert.deepEqual(told, [broken, 'reconnect', 'the server says no', 'not allowed', closed]);
    assert.deepEqual(nats.calls, [
      ...['subscribe verawebsockets.t', 'publish verawebsockets.t y', 'flush'],
    ]);
  });

  it('says nothing when it has been closed', async () => {
    const { nats, broker, told } = begin();
    await broker.close();
    await nats.tell({ type: 'disconnect', server: 'here' });
    nats.end(new Error('closed'));
    await new Promise(setImmediate);
    assert.deepEqual(told, []);
  });

  it('no other connection', () => {
    assert.throws(() => natsBroker({}), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => natsBroker(new Connection(), { prefix: 1 as unknown as string }), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});
