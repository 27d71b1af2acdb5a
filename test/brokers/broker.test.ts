/** A server and its broker, which is one of the test's own. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { inflateRawSync } from 'node:zlib';
import { WebSocketServer, type Broker, type BrokerStats } from '../../lib';
import { Party } from './support/party';

type Listener = (topic: string, message: Uint8Array) => void;

/** All brokers of a bus get what one publishes, the publisher too. */
class Bus {
  readonly brokers: TestBroker[] = [];
}

class TestBroker implements Broker {
  readonly calls: string[] = [];
  readonly messages: Uint8Array[] = [];
  deliver: Listener | undefined;
  fail: ((error: Error) => void) | undefined;
  back: (() => void) | undefined;
  /** What publish() answers. */
  answer: () => Promise<unknown> | void = () => undefined;
  subscribes: () => Promise<unknown> | void = () => undefined;

  constructor(readonly bus = new Bus()) {
    bus.brokers.push(this);
  }
  publish(topic: string, message: Uint8Array): Promise<unknown> | void {
    this.calls.push(`publish ${topic}`);
    this.messages.push(message);
    for (const broker of this.bus.brokers) broker.deliver?.(topic, message);
    return this.answer();
  }
  subscribe(topic: string): Promise<unknown> | void {
    this.calls.push(`subscribe ${topic}`);
    return this.subscribes();
  }
  unsubscribe(topic: string): void {
    this.calls.push(`unsubscribe ${topic}`);
  }
  onMessage(listener: Listener): void {
    if (this.deliver) throw Object.assign(new Error(), { code: 'ERR_BROKER_IN_USE' });
    this.deliver = listener;
  }
  onError(listener: (error: Error) => void): void {
    this.fail = listener;
  }
  onReconnect(listener: () => void): void {
    this.back = listener;
  }
  close(): void {
    this.calls.push('close');
  }
}

describe('server: a broker', () => {
  const parties: Party[] = [];
  const begin = async (broker: Broker, more: object = {}): Promise<Party> => {
    const party = await Party.begin({ broker, ...more });
    parties.push(party);
    return party;
  };
  afterEach(async () => {
    await Promise.all(parties.splice(0).map((party) => party.end()));
  });

  it('carries what is published to other servers, and nothing back', async () => {
    const bus = new Bus();
    const [one, two] = [await begin(new TestBroker(bus)), await begin(new TestBroker(bus))];
    const [a, b, c] = [await one.join(), await one.join(), await two.join()];
    for (const { socket } of [a, b, c]) socket.subscribe('news');
    assert.equal(one.server.publish('news', 'text'), 2);
    assert.equal(one.server.publish('news', Buffer.from('bytes')), 2);
    assert.equal(
      one.server.publish('news', new TextEncoder().encode('ä').buffer, { binary: false }),
      2,
    );
    assert.equal(one.server.publish('news', 'not to a', { except: a.socket }), 1);
    assert.equal(a.socket.publish('news', 'not to itself'), 1);
    assert.equal(two.server.publish('news', ''), 1);
    const all = ['text', 'binary bytes', 'ä', 'not to a', 'not to itself', ''];
    await Promise.all([a.has(4), b.has(6), c.has(6)]);
    assert.deepEqual(b.got, all);
    assert.deepEqual(c.got, all);
    assert.deepEqual(a.got, ['text', 'binary bytes', 'ä', '']);
    const none = { lost: 0, lostBytes: 0, waitingBytes: 0, late: 0, errors: 0, reconnects: 0 };
    assert.deepEqual(one.server.brokerStats, { published: 5, received: 1, ...none });
    assert.deepEqual(two.server.brokerStats, { published: 1, received: 5, ...none });
    assert.deepEqual([...one.errors, ...two.errors], []);
  });

  it('takes what nobody here subscribes to, but no text that is none', async () => {
    const broker = new TestBroker();
    const { server } = await begin(broker);
    assert.equal(server.publish('far', 'x'), 0);
    const bytes = Buffer.from([0xff]);
    assert.throws(() => server.publish('far', bytes, { binary: false }), {
      code: 'ERR_INVALID_UTF8',
    });
    assert.equal(server.publish('far', bytes), 0);
    assert.deepEqual(broker.calls, ['publish far', 'publish far']);
    assert.equal(server.broadcast('here only'), 0);
    assert.equal(broker.calls.length, 2);
  });

  it('hears of first and last subscribers, and is closed with the server', async () => {
    const broker = new TestBroker();
    const party = await begin(broker);
    const [a, b] = [await party.join(), await party.join()];
    a.socket.subscribe('one');
    b.socket.subscribe('one');
    b.socket.subscribe('two');
    a.socket.unsubscribe('one');
    assert.deepEqual(broker.calls, ['subscribe one', 'subscribe two']);
    const gone = once(b.socket, 'close');
    b.client.terminate();
    await gone;
    assert.deepEqual(broker.calls.slice(2), ['unsubscribe one', 'unsubscribe two']);
    a.socket.subscribe('three');
    const closed = once(party.server, 'close');
    await party.server.drain({ spread: 0 });
    await closed;
    assert.deepEqual(broker.calls.slice(4), ['subscribe three', 'unsubscribe three', 'close']);
    party.server.publish('three', 'late');
    broker.fail?.(new Error('late'));
    assert.equal(broker.calls.length, 7);
    assert.deepEqual(party.errors, []);
  });

  it('gets the compress flag across', async () => {
    const bus = new Bus();
    const deflate = { perMessageDeflate: { threshold: 0 } };
    const [one, two] = [
      await begin(new TestBroker(bus)),
      await begin(new TestBroker(bus), deflate),
    ];
    const guest = await two.join({ perMessageDeflate: true });
    guest.socket.subscribe('t');
    const frames: Buffer[] = [];
    const { _socket: raw } = guest.client as unknown as { _socket: NodeJS.ReadableStream };
    raw.prependListener('data', (bytes: Buffer) => frames.push(bytes));
    one.server.publish('t', 'hello hello', { compress: false });
    one.server.publish('t', 'hello hello');
    await guest.has(2);
    const bytes = Buffer.concat(frames);
    assert.equal(bytes.subarray(0, 13).toString('latin1'), '\x81\x0bhello hello');
    assert.equal(bytes[13], 0xc1);
    const end = Buffer.from([0, 0, 0xff, 0xff]);
    const body = Buffer.concat([bytes.subarray(15, 15 + (bytes[14] as number)), end]);
    assert.equal(inflateRawSync(body, { finishFlush: 2 }).toString(), 'hello hello');
  });

  it('tells what goes wrong, and is never waited for', async () => {
    const broker = new TestBroker();
    const party = await begin(broker);
    const guest = await party.join();
    const told = (): Promise<unknown> => once(party.server, 'brokerError');
    const failure = new Error('no way');
    let error = told();
    broker.subscribes = () => Promise.reject(failure);
    guest.socket.subscribe('a');
    await error;
    error = told();
    broker.subscribes = () => {
      throw failure;
    };
    guest.socket.subscribe('b');
    await error;
    assert.deepEqual(party.errors.splice(0), [failure, failure]);

    error = told();
    broker.answer = () => Promise.reject(failure);
    for (const word of ['one', 'two', 'three']) {
      assert.equal(party.server.publish('a', word), 1);
    }
    await error;
    await guest.has(3);
    const [lost, ...others] = party.errors.splice(0);
    assert.deepEqual(others, []);
    const { code, messages, bytes, cause } = lost as Error & Record<string, unknown>;
    assert.deepEqual([code, messages, bytes], ['ERR_BROKER_LOST', 3, 11]);
    assert.equal(cause, failure);
    assert.deepEqual(party.server.brokerStats, {
      ...{ published: 0, received: 0, lost: 3, lostBytes: 11, waitingBytes: 0 },
      ...{ late: 0, errors: 2, reconnects: 0 },
    });

    error = told();
    broker.fail?.(failure);
    await error;
    assert.deepEqual(party.errors.splice(0), [failure]);
    const back = once(party.server, 'brokerReconnect');
    broker.back?.();
    await back;
    const { errors, reconnects } = party.server.brokerStats as BrokerStats;
    assert.deepEqual([errors, reconnects], [3, 1]);
  });

  it('drops what comes late, over a connection that was given up', async () => {
    const bus = new Bus();
    const broker = new TestBroker(bus);
    const [one, two] = [await begin(broker), await begin(new TestBroker(bus))];
    const guest = await two.join();
    guest.socket.subscribe('t');
    const deliver = bus.brokers[1]?.deliver as Listener;
    // What the broken connection has taken arrives when it will.
    bus.brokers.length = 0;
    broker.answer = () => Promise.reject(new Error('broken'));
    const lost = once(one.server, 'brokerError');
    for (const word of ['early', 'late', 'later']) one.server.publish('t', word);
    await lost;
    const [early, late, later] = broker.messages as [Uint8Array, Uint8Array, Uint8Array];
    broker.answer = () => undefined;
    one.server.publish('t', 'new');
    broker.back?.();
    one.server.publish('t', 'newest');
    const [, , , now, newest] = broker.messages as Uint8Array[];
    for (const message of [early, now, late, newest, later, now]) {
      deliver('t', message as Uint8Array);
    }
    one.server.publish('t', 'last');
    deliver('t', broker.messages.at(-1) as Uint8Array);
    await guest.has(4);
    assert.deepEqual(guest.got, ['early', 'new', 'newest', 'last']);
    const { received, late: dropped } = two.server.brokerStats as BrokerStats;
    assert.deepEqual([received, dropped], [4, 3]);
    assert.deepEqual(two.errors, []);
  });

  it('keeps no more for a slow one than brokerLimit', async () => {
    const broker = new TestBroker();
    const party = await begin(broker, { brokerLimit: 100 });
    const freed: (() => void)[] = [];
    broker.answer = () => new Promise<void>((resolve) => freed.push(resolve));
    const error = once(party.server, 'brokerError');
    // With 18 bytes of header.
    party.server.publish('t', 'x'.repeat(32));
    party.server.publish('t', 'x'.repeat(32));
    party.server.publish('t', 'y');
    await error;
    assert.equal(broker.calls.length, 2);
    const waiting = { published: 0, received: 0, lost: 1, lostBytes: 1, waitingBytes: 100 };
    assert.deepEqual(party.server.brokerStats, { ...waiting, late: 0, errors: 0, reconnects: 0 });
    assert.equal(party.errors[0]?.code, 'ERR_BROKER_LOST');
    assert.match(String(party.errors[0]), /more than 100 bytes would wait for the broker/);
    for (const free of freed) free();
    await Promise.resolve();
    broker.answer = () => undefined;
    party.server.publish('t', 'y');
    assert.equal(broker.calls.length, 3);
    assert.deepEqual(party.server.brokerStats, {
      ...{ published: 3, received: 0, lost: 1, lostBytes: 1, waitingBytes: 0 },
      ...{ late: 0, errors: 0, reconnects: 0 },
    });
  });

  it('refuses messages that are none, and text that is none', async () => {
    const bus = new Bus();
    const broker = new TestBroker(bus);
    const other = new TestBroker(bus);
    const party = await begin(broker);
    const { server } = await begin(other);
    const guest = await party.join();
    guest.socket.subscribe('t');
    server.publish('elsewhere', 'good');
    const [good] = other.messages as [Uint8Array];
    const changed = (at: number, byte: number): Buffer => {
      const copy = Buffer.from(good);
      copy[at] = byte;
      return copy;
    };
    for (const bad of [Buffer.alloc(0), good.subarray(0, 17), changed(0, 2), changed(1, 4)]) {
      const error = once(party.server, 'brokerError');
      broker.deliver?.('t', bad);
      await error;
      assert.equal(party.errors.pop()?.code, 'ERR_BROKER_MESSAGE');
    }
    const error = once(party.server, 'brokerError');
    broker.deliver?.('t', changed(18, 0xff));
    await error;
    assert.equal(party.errors.pop()?.code, 'ERR_INVALID_UTF8');
    broker.deliver?.('t', good);
    broker.deliver?.("nobody's", good);
    await guest.has(1);
    assert.deepEqual(guest.got, ['good']);
  });

  it('is free for another server where the first could not be made', async () => {
    const broker = new TestBroker();
    const options = { port: 0, host: '127.0.0.1', cert: 'none', key: 'none', broker };
    assert.throws(() => new WebSocketServer(options));
    assert.throws(
      () => new WebSocketServer({ noServer: true, broker, trustedProxies: 1 as never }),
    );
    const party = await begin(broker);
    assert.throws(() => new WebSocketServer({ port: 0, host: '127.0.0.1', broker }), {
      code: 'ERR_BROKER_IN_USE',
    });
    assert.equal(party.server.publish('t', 'x'), 0);
    assert.deepEqual(broker.calls, ['publish t']);
  });

  it('options that cannot be used', () => {
    for (const broker of [1, {}, { ...new TestBroker(), close: undefined }]) {
      assert.throws(() => new WebSocketServer({ noServer: true, broker: broker as Broker }), {
        code: 'ERR_INVALID_ARG_TYPE',
        field: 'options.broker',
      });
    }
    for (const brokerLimit of [0, 2 ** 41, 0.5]) {
      assert.throws(() => new WebSocketServer({ noServer: true, brokerLimit }), {
        code: 'ERR_OUT_OF_RANGE',
      });
    }
    const server = new WebSocketServer({ noServer: true, broker: null });
    assert.equal(server.brokerStats, undefined);
    server.close();
  });
});
