/**
 * What the conformance tests share: a peer that emits hand-made bytes and keeps what our endpoint, a client or one of
 * a server, put on the wire; an endpoint that keeps what it was told; and tables of cases that are run side by side.
 */
import { strict as assert } from 'node:assert';
import { type ClientOptions, WebSocket } from '../../lib/websocket';
import type { ServerOptions } from '../../lib';
import { close as closeFrame, type Frame, Opcode } from '../support/frames';
import { RawClient } from '../support/raw-client';
import { type AcceptOptions, RawServer, type RawConnection } from '../support/raw-server';
import { slowness } from '../support/slowness';
import { type Running, WAYS } from '../server/support/ways';

export type { ClientOptions };

/** A message as the endpoint was told of it. */
export interface Message {
  data: Buffer;
  isBinary: boolean;
}

/** What the endpoint was told, in the end. */
export interface EndpointLog {
  messages: Message[];
  pings: Buffer[];
  pongs: Buffer[];
  errors: (Error & { code?: string })[];
  close: { code: number; reason: Buffer };
}

/** Our side of a connection. */
export class Endpoint {
  readonly messages: Message[] = [];
  readonly pings: Buffer[] = [];
  readonly pongs: Buffer[] = [];
  readonly errors: (Error & { code?: string })[] = [];
  readonly closed: Promise<EndpointLog>;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) =>
      this.messages.push({ data: data as Buffer, isBinary }),
    );
    socket.on('ping', (data) => this.pings.push(data));
    socket.on('pong', (data) => this.pongs.push(data));
    socket.on('error', (error) => this.errors.push(error));
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        const { messages, pings, pongs, errors } = this;
        resolve({ messages, pings, pongs, errors, close: { code, reason } });
      });
    });
  }
}

/** How long a case may take that hangs: nothing waits for it otherwise. */
const patience = 30_000 * slowness;

/** Rejects if the promise takes too long, naming what hung. */
export function inTime<T>(what: string, promise: Promise<T>, ms = patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`hangs: ${what}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export interface Exchange {
  /** What the peer sends once the connection stands. */
  send?: Buffer | Buffer[];
  /** The size of the pieces it is written in. */
  chop?: number;
  /** `send` goes out as it is. Otherwise a peer that is a client masks the frames. */
  asItIs?: boolean;
  /** The peer's script instead of `send`, beside the reading of the endpoint's frames; TCP ends after it. */
  script?: (connection: RawConnection, frames: Frame[]) => void | Promise<void>;
  /** What the endpoint does when it is open. */
  endpoint?: (endpoint: Endpoint) => void;
  options?: ClientOptions;
  /** What a server answers; the extensions in it are what a client asks for. */
  accept?: AcceptOptions;
  /** The peer ends TCP when it has sent everything, instead of waiting for the endpoint's Close frame. */
  hangUp?: boolean;
}

export interface Outcome extends EndpointLog {
  side: Side;
  /** Everything the endpoint sent. */
  frames: Frame[];
  /** Sec-WebSocket-Extensions of the request. */
  offer: string | undefined;
}

/** What our endpoint is: a client, or one of a server that gets its connections in that way. */
export type Side = 'client' | keyof typeof WAYS;

/** Plays exchanges, with our endpoint on the side that `describeSides` says. */
export class Stage {
  side: Side = 'client';
  private readonly scripts = new Map<string, (connection: RawConnection) => Promise<void>>();
  private peer: Promise<RawServer> | undefined;
  /** Our servers, by side and options. */
  private readonly servers = new Map<string, Promise<Running>>();
  private readonly accepted = new Map<string, (socket: WebSocket) => void>();
  private serial = 0;

  /** Plays one exchange to its end. */
  play(exchange: Exchange): Promise<Outcome> {
    const path = `/${++this.serial}`;
    return this.side === 'client' ? this.asClient(exchange, path) : this.asServer(exchange, path);
  }

  private async asClient(exchange: Exchange, path: string): Promise<Outcome> {
    this.peer ??= RawServer.listen(async (connection) => {
      const request = await connection.peekRequest();
      const script = this.scripts.get(request.path);
      this.scripts.delete(request.path);
      await script?.(connection);
    });
    const peer = await this.peer;
    const frames: Frame[] = [];
    let offer: string | undefined;
    const served = new Promise<void>((resolve, reject) => {
      this.scripts.set(path, async (connection) => {
        try {
          offer = (await connection.accept(exchange.accept)).headers['sec-websocket-extensions'];
          await converse(connection, exchange, frames);
          resolve();
        } catch (error) {
          reject(error);
          connection.socket.destroy();
        }
      });
    });
    const options = { perMessageDeflate: false, ...exchange.options };
    const endpoint = new Endpoint(new WebSocket(peer.url.replace(/\/$/, path), options));
    endpoint.socket.once('open', () => exchange.endpoint?.(endpoint));
    const log = await endpoint.closed;
    await served;
    return { ...log, side: 'client', frames, offer };
  }

  private async asServer(exchange: Exchange, path: string): Promise<Outcome> {
    const server = await this.serverFor(exchange.options);
    const made = new Promise<Endpoint>((resolve) => {
      this.accepted.set(path, (socket) => {
        const endpoint = new Endpoint(socket);
        exchange.endpoint?.(endpoint);
        resolve(endpoint);
      });
    });
    const peer = new RawClient(server.connect());
    const frames: Frame[] = [];
    try {
      await peer.open(path, exchange.accept?.extensions);
      const endpoint = await made;
      await converse(peer, exchange, frames);
      return { ...(await endpoint.closed), side: this.side, frames, offer: undefined };
    } finally {
      peer.socket.destroy();
    }
  }

  private serverFor(options: ClientOptions = {}): Promise<Running> {
    const key = JSON.stringify([this.side, options]);
    let server = this.servers.get(key);
    if (!server) {
      const start = WAYS[this.side] as (typeof WAYS)[string];
      server = start({ perMessageDeflate: false, ...options } as ServerOptions);
      this.servers.set(key, server);
      void server.then((running) =>
        running.server.on('connection', (socket: WebSocket, { url }: { url: string }) => {
          this.accepted.get(url)?.(socket);
          this.accepted.delete(url);
        }),
      );
    }
    return server;
  }

  async close(): Promise<void> {
    await (await this.peer)?.close();
    for (const server of this.servers.values()) await (await server).close();
    this.servers.clear();
  }
}

/** A client, and a server that gets its connections in each way that the engine reads frames in. */
export const everySide: Side[] = [
  'client',
  'its own listener',
  "Node's http server",
  'a Duplex given to handleUpgrade()',
];

/** One `describe` for each side that our endpoint can be on. */
export function describeSides(
  title: string,
  stage: Stage,
  body: (side: Side) => void,
  sides: Side[] = ['client', 'its own listener'],
): void {
  for (const side of sides) {
    describe(side === 'client' ? title : `${title}: a server, ${side}`, () => {
      before(() => (stage.side = side));
      body(side);
    });
  }
  after(() => stage.close());
}

async function converse(
  connection: RawConnection,
  exchange: Exchange,
  frames: Frame[],
): Promise<void> {
  await Promise.all([speak(connection, exchange, frames), listen(connection, exchange, frames)]);
}

async function speak(
  connection: RawConnection,
  exchange: Exchange,
  frames: Frame[],
): Promise<void> {
  if (exchange.script) await exchange.script(connection, frames);
  if (exchange.send) {
    const bytes = Array.isArray(exchange.send) ? exchange.send : [exchange.send];
    for (const part of bytes) {
      const piece = exchange.asItIs ? part : connection.encode(part);
      await writeChopped(connection, piece, exchange.chop || piece.length || 1);
      // Pieces are to arrive as pieces, as far as that can be arranged.
      if (bytes.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  if (exchange.hangUp || exchange.script) connection.end();
}

/** Each piece is a write, and a segment, of its own; a turn of the event loop now and then. */
async function writeChopped(connection: RawConnection, bytes: Buffer, size: number): Promise<void> {
  let writes = 0;
  for (let offset = 0; offset < bytes.length; offset += size) {
    connection.writeBytes(bytes.subarray(offset, offset + size));
    if (bytes.length > size && (bytes.length < 256 || ++writes % 64 === 0))
      await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Who waits for frames, by where they are kept, and whether no more will come. */
const watched = new WeakMap<Frame[], { hasEnded: boolean; wake: () => void }>();

/** Resolves when the endpoint's frames are as the script wants them; rejects if it ends before. */
export async function framesUntil(
  frames: Frame[],
  enough: (frames: Frame[]) => boolean,
): Promise<void> {
  const watch = watched.get(frames) ?? { hasEnded: false, wake: () => {} };
  watched.set(frames, watch);
  while (!enough(frames)) {
    assert.ok(!watch.hasEnded, `the endpoint ended after ${frames.length} frames`);
    await new Promise<void>((resolve) => (watch.wake = resolve));
  }
}

/** For {@link framesUntil}: the endpoint has sent its Close frame. */
export const hasClose = (frames: Frame[]): boolean => frames.at(-1)?.opcode === Opcode.Close;

async function listen(
  connection: RawConnection,
  exchange: Exchange,
  frames: Frame[],
): Promise<void> {
  for (;;) {
    const frame = await connection.readFrame();
    if (!frame) break;
    frames.push(frame);
    watched.get(frames)?.wake();
    // After its Close frame the endpoint sends nothing more: whatever comes is kept until it ends, and judged.
    if (frame.opcode === Opcode.Close && !exchange.script) connection.end();
  }
  const watch = watched.get(frames) ?? { hasEnded: true, wake: () => {} };
  watched.set(frames, watch);
  watch.hasEnded = true;
  watch.wake();
  assert.equal(connection.available, 0, 'the endpoint left half a frame');
}

/** The endpoint's Close frame, which must be its last and only one. */
export function closeOf(frames: Frame[]): Frame {
  const last = frames.at(-1);
  assert.equal(
    last?.opcode,
    Opcode.Close,
    `the endpoint's last frame is no Close frame: ${last?.opcode}`,
  );
  assert.equal(frames.filter(({ opcode }) => opcode === Opcode.Close).length, 1, 'one Close frame');
  return last as Frame;
}

/** What a connection must show that the peer has broken: delivered before, code on the wire, one error, one end. */
export function assertFailed(
  outcome: Outcome,
  code: number,
  before: (string | Buffer)[] = [],
): void {
  assertMessages(outcome.messages, before);
  const last = closeOf(outcome.frames);
  assert.equal(
    last.closeCode,
    code,
    `close code on the wire: ${last.closeCode} instead of ${code}`,
  );
  assert.equal(
    outcome.errors.length,
    1,
    `${outcome.errors.length} errors: ${outcome.errors.map(String).join()}`,
  );
  assert.equal(typeof outcome.errors[0]?.code, 'string', 'the error has a code');
  assert.equal(outcome.close.code, 1006, `close event with ${outcome.close.code}`);
  assertFrames(outcome.frames, outcome.side);
}

/** What a connection must show that ended in order. */
export function assertClosed(
  outcome: Outcome,
  messages: (string | Buffer)[],
  code = 1000,
  reason = '',
): void {
  assert.deepEqual(outcome.errors.map(String), []);
  assertMessages(outcome.messages, messages);
  const last = closeOf(outcome.frames);
  assert.equal(last.closeCode, code === 1005 ? undefined : code, 'close code on the wire');
  assert.equal(outcome.close.code, code, 'close code of the event');
  assert.equal(outcome.close.reason.toString(), reason);
  assertFrames(outcome.frames, outcome.side);
}

export function assertMessages(actual: Message[], expected: (string | Buffer)[]): void {
  assert.equal(
    actual.length,
    expected.length,
    `${actual.length} messages instead of ${expected.length}`,
  );
  expected.forEach((want, index) => {
    const { data, isBinary } = actual[index] as Message;
    assert.equal(
      isBinary,
      typeof want !== 'string',
      `message ${index} is ${isBinary ? 'binary' : 'text'}`,
    );
    const bytes = typeof want === 'string' ? Buffer.from(want) : want;
    if (!bytes.equals(data))
      assert.fail(`message ${index}: ${brief(data)} instead of ${brief(bytes)}`);
  });
}

/** RFC 6455 §5: what holds for every frame of a client, or of a server. */
export function assertFrames(frames: Frame[], side: Side = 'client'): void {
  const mask = side === 'client' ? 4 : 0;
  for (const { masked, rsv, opcode, fin, payload, size } of frames) {
    assert.equal(masked, mask > 0, 'frames of a client are masked, those of a server are not');
    assert.equal(rsv & 3, 0, 'RSV2 and RSV3');
    if (opcode >= 8) assert.ok(fin && payload.length <= 125 && rsv === 0, 'control frames');
    const header = mask + (payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
    assert.equal(size - payload.length, header, 'the shortest form of the length');
  }
}

export function brief(bytes: Buffer): string {
  const hex = bytes.subarray(0, 24).toString('hex');
  return `${bytes.length} bytes ${hex}${bytes.length > 24 ? '…' : ''}`;
}

/** Ends a stream of frames in order. */
export const goodbye = closeFrame(1000);

let counted = 0;

/** How many cases there were. */
export function count(cases: number): void {
  counted += cases;
}

export interface Case {
  name: string;
  run: () => Promise<void>;
}

/** Defines one test that runs a table of cases, several at once, and says which of them fail. */
export function table(title: string, cases: Case[], parallel = 24): void {
  it(`${title} (${cases.length} cases)`, async () => {
    const failures: string[] = [];
    const waiting = [...cases];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        try {
          await inTime(next.name, next.run());
        } catch (error) {
          failures.push(
            `${next.name}: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 200)}`,
          );
        }
      }
    };
    await Promise.all(Array.from({ length: parallel }, work));
    count(cases.length);
    if (failures.length > 0) {
      assert.fail(
        `${failures.length} of ${cases.length} fail:\n${failures.slice(0, 12).join('\n')}`,
      );
    }
  }).timeout(120_000 * slowness);
}

after(() => {
  console.log(`\n  conformance: ${counted} cases`);
});
