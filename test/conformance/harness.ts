/**
 * What the conformance tests share: a server that emits hand-made bytes and keeps what the client put on the wire, a
 * client that keeps what it was told, and tables of cases that are run side by side.
 */
import { strict as assert } from 'node:assert';
import { type ClientOptions, WebSocket } from '../../lib/websocket';
import { close as closeFrame, type Frame, Opcode } from '../support/frames';
import { type AcceptOptions, RawServer, type RawConnection } from '../support/raw-server';

export type { ClientOptions };

/** A message as the client was told of it. */
export interface Message {
  data: Buffer;
  isBinary: boolean;
}

/** What the client was told, in the end. */
export interface ClientLog {
  messages: Message[];
  pings: Buffer[];
  pongs: Buffer[];
  errors: (Error & { code?: string })[];
  close: { code: number; reason: Buffer };
}

export class Client {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  readonly pings: Buffer[] = [];
  readonly pongs: Buffer[] = [];
  readonly errors: (Error & { code?: string })[] = [];
  readonly closed: Promise<ClientLog>;

  constructor(url: string, options: ClientOptions = {}) {
    const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.socket = socket;
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
const patience = 30_000;

/** Rejects if the promise takes too long, naming what hung. */
export function inTime<T>(what: string, promise: Promise<T>, ms = patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`hangs: ${what}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export interface Exchange {
  /** What the server sends once the connection stands. */
  send?: Buffer | Buffer[];
  /** The size of the pieces it is written in. */
  chop?: number;
  /** The server's script instead of `send`, beside the reading of the client's frames; TCP ends after it. */
  script?: (connection: RawConnection, frames: Frame[]) => void | Promise<void>;
  /** What the client does in its open event. */
  client?: (client: Client) => void;
  options?: ClientOptions;
  accept?: AcceptOptions;
  /** The server ends TCP when it has sent everything, instead of waiting for the client's Close frame. */
  hangUp?: boolean;
}

export interface Outcome extends ClientLog {
  /** Everything the client sent. */
  frames: Frame[];
  /** Sec-WebSocket-Extensions of the request. */
  offer: string | undefined;
}

/** A server that plays a script for each connection, told apart by the path. */
export class Stage {
  private readonly scripts = new Map<string, (connection: RawConnection) => Promise<void>>();
  private readonly server: Promise<RawServer>;
  private serial = 0;

  constructor() {
    this.server = RawServer.listen(async (connection) => {
      const request = await connection.peekRequest();
      const script = this.scripts.get(request.path);
      this.scripts.delete(request.path);
      await script?.(connection);
    });
  }

  /** Plays one exchange to its end. */
  async play(exchange: Exchange): Promise<Outcome> {
    const server = await this.server;
    const path = `/${++this.serial}`;
    const frames: Frame[] = [];
    let offer: string | undefined;
    const served = new Promise<void>((resolve, reject) => {
      this.scripts.set(path, async (connection) => {
        try {
          offer = (await connection.accept(exchange.accept)).headers['sec-websocket-extensions'];
          await Promise.all([
            speak(connection, exchange, frames),
            listen(connection, exchange, frames),
          ]);
          resolve();
        } catch (error) {
          reject(error);
          connection.socket.destroy();
        }
      });
    });
    const client = new Client(server.url.replace(/\/$/, path), exchange.options);
    client.socket.once('open', () => exchange.client?.(client));
    const log = await client.closed;
    await served;
    return { ...log, frames, offer };
  }

  async close(): Promise<void> {
    await (await this.server).close();
  }
}

async function speak(
  connection: RawConnection,
  exchange: Exchange,
  frames: Frame[],
): Promise<void> {
  if (exchange.script) await exchange.script(connection, frames);
  if (exchange.send) {
    const bytes = Array.isArray(exchange.send) ? exchange.send : [exchange.send];
    for (const piece of bytes) {
      if (exchange.chop) await writeChopped(connection, piece, exchange.chop);
      else connection.write(piece);
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
    connection.write(bytes.subarray(offset, offset + size));
    if (bytes.length < 256 || ++writes % 64 === 0)
      await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Who waits for frames, by where they are kept, and whether no more will come. */
const watched = new WeakMap<Frame[], { hasEnded: boolean; wake: () => void }>();

/** Resolves when the client's frames are as the script wants them; rejects if the client ends before. */
export async function framesUntil(
  frames: Frame[],
  enough: (frames: Frame[]) => boolean,
): Promise<void> {
  const watch = watched.get(frames) ?? { hasEnded: false, wake: () => {} };
  watched.set(frames, watch);
  while (!enough(frames)) {
    assert.ok(!watch.hasEnded, `the client ended after ${frames.length} frames`);
    await new Promise<void>((resolve) => (watch.wake = resolve));
  }
}

/** For {@link framesUntil}: the client has sent its Close frame. */
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
    // After its Close frame the client sends nothing more: whatever comes is kept until it ends, and judged.
    if (frame.opcode === Opcode.Close && !exchange.script) connection.end();
  }
  const watch = watched.get(frames) ?? { hasEnded: true, wake: () => {} };
  watched.set(frames, watch);
  watch.hasEnded = true;
  watch.wake();
  assert.equal(connection.available, 0, 'the client left half a frame');
}

/** The client's Close frame, which must be its last and only one. */
export function closeOf(frames: Frame[]): Frame {
  const last = frames.at(-1);
  assert.equal(
    last?.opcode,
    Opcode.Close,
    `the client's last frame is no Close frame: ${last?.opcode}`,
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
  assertClientFrames(outcome.frames);
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
  assertClientFrames(outcome.frames);
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

/** RFC 6455 §5: what holds for every frame of a client. */
export function assertClientFrames(frames: Frame[]): void {
  for (const { masked, rsv, opcode, fin, payload, size } of frames) {
    assert.ok(masked, 'frames of a client are masked');
    assert.equal(rsv & 3, 0, 'RSV2 and RSV3');
    if (opcode >= 8) assert.ok(fin && payload.length <= 125 && rsv === 0, 'control frames');
    const header = payload.length < 126 ? 6 : payload.length < 65_536 ? 8 : 14;
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
  }).timeout(120_000);
}

after(() => {
  console.log(`\n  conformance: ${counted} cases`);
});
