/**
 * An addon without an engine: records are put in by the test, and what the library asks for is written down.
 */
import type {
  ConnectOptions,
  EngineOptions,
  ListenerStats,
  ListenResult,
  NativeAddon,
  TlsOptions,
} from '../../lib/addon/contract';
import { Parts } from '../../lib/addon/contract';

/** The kinds of records, as numbers: the library's are a const enum. */
export const Kinds = {
  ConnectionError: 1,
  Established: 3,
  Closed: 4,
  Receive: 8,
  ReceivePong: 9,
  Writeable: 10,
  PeerInitiatedClose: 38,
  ReceiveText: 1000,
  ReceiveTextBytes: 1001,
  ReceiveLarge: 1002,
  ReceivePing: 1003,
  Flushed: 1004,
  Log: 1005,
  Redirect: 1006,
  ProtocolError: 1007,
  Certificate: 1008,
  Body: 1013,
} as const;

interface Batch {
  records: number[];
  slab: Buffer;
  values: unknown[];
}

export const established = {
  protocol: '',
  extensions: '',
  status: 101,
  statusText: 'Switching Protocols',
  headers: '',
  remoteAddress: '127.0.0.1',
  remotePort: 80,
  remoteFamily: 4,
  localAddress: '127.0.0.1',
  localPort: 40000,
};

export const cleanClose = { reason: Buffer.alloc(0), clean: true, detail: '' };

export class FakeAddon implements NativeAddon {
  readonly version = '0.0.0';
  readonly versions = { libwebsockets: '0', openssl: '0', zlib: '0' };
  /** Calls, by name. */
  readonly calls: [name: string, ...args: unknown[]][] = [];
  readonly connects: ConnectOptions[] = [];
  readonly sent: { connection: number; data: unknown; flags: number }[] = [];
  readonly tls: TlsOptions[] = [];
  engineOptions: EngineOptions | undefined;
  /** What send() answers. */
  sendResult = 0;
  /** What wait() does; it must put something in, or the library would wait for ever. */
  onWait: () => void = () => {
    throw new Error('the library would wait for ever');
  };

  private table: Int32Array | undefined;
  private onReady: () => void = () => {};
  private batches: Batch[] = [];
  private nextConnection = 0;
  private nextTls = 0;

  init(table: Int32Array, onReady: () => void, options: EngineOptions): void {
    this.table = table;
    this.onReady = onReady;
    this.engineOptions = options;
    this.calls.push(['init']);
  }

  /** How often a function was called. */
  count(name: string): number {
    return this.calls.filter((call) => call[0] === name).length;
  }

  /** As if it had not been called. */
  forget(name: string): void {
    this.calls.splice(0, Infinity, ...this.calls.filter((call) => call[0] !== name));
  }

  // ---- The test's side

  /** Puts a batch in, as the service thread would. Values and payload are given with the records. */
  batch(...records: [connection: number, kind: number, a?: unknown, b?: unknown][]): void {
    const batch: Batch = { records: [], slab: Buffer.alloc(0), values: [] };
    const value = (thing: unknown): number => batch.values.push(thing) - 1;
    for (const [connection, kind, a = 0, b = 0] of records) {
      if (kind === Kinds.Receive || kind === Kinds.ReceiveTextBytes || kind === Kinds.Body) {
        const bytes = Buffer.from(a as string);
        batch.records.push(connection, kind, batch.slab.length, bytes.length);
        batch.slab = Buffer.concat([batch.slab, bytes]);
      } else if (kind === Kinds.Closed && b === -1) {
        batch.records.push(connection, kind, a as number, -1);
      } else if (kind === Kinds.Closed || kind === Kinds.PeerInitiatedClose || kind === Kinds.Log) {
        batch.records.push(connection, kind, a as number, value(b));
      } else if (kind === Kinds.Writeable || kind === Kinds.Flushed) {
        batch.records.push(connection, kind, a as number, b as number);
      } else {
        batch.records.push(connection, kind, value(a), b as number);
      }
    }
    this.batches.push(batch);
  }

  /** Calls the library as the event loop would; an exception comes out as from the library. */
  ready(): void {
    this.onReady();
  }

  // ---- The library's side

  take(): [ArrayBuffer, unknown[]] | undefined {
    this.calls.push(['take']);
    const batch = this.batches.shift();
    if (batch === undefined) return undefined;
    const table = this.table as Int32Array;
    table.set(batch.records);
    table.set([batch.records.length / 4, Parts.Both], table.length - 2);
    // A slab of its own, at offset 0.
    const slab = new ArrayBuffer(batch.slab.length);
    new Uint8Array(slab).set(batch.slab);
    return [slab, batch.values];
  }

  wait(ms: number): boolean {
    this.calls.push(['wait', ms]);
    this.onWait();
    return true;
  }

  rearm(): void {
    this.calls.push(['rearm']);
  }

  connect(options: ConnectOptions): number {
    this.connects.push(options);
    return ++this.nextConnection;
  }

  send(connection: number, data: unknown, flags: number): number {
    if (this.sendResult >= 0) this.sent.push({ connection, data, flags });
    return this.sendResult;
  }

  ping(...args: unknown[]): number {
    this.calls.push(['ping', ...args]);
    return 0;
  }

  pong(...args: unknown[]): number {
    this.calls.push(['pong', ...args]);
    return 0;
  }

  close(...args: unknown[]): void {
    this.calls.push(['close', ...args]);
  }

  terminate(...args: unknown[]): void {
    this.calls.push(['terminate', ...args]);
  }

  pause(...args: unknown[]): void {
    this.calls.push(['pause', ...args]);
  }

  resume(...args: unknown[]): void {
    this.calls.push(['resume', ...args]);
  }

  flush(): void {
    this.calls.push(['flush']);
  }

  bufferedAmount(): number {
    return 7;
  }

  setFlushNotify(): number {
    return 11;
  }

  stats(_connection: number, out: Float64Array): void {
    out.forEach((_, i) => (out[i] = i + 1));
  }

  verify(...args: unknown[]): void {
    this.calls.push(['verify', ...args]);
  }

  listen(...args: unknown[]): ListenResult {
    this.calls.push(['listen', ...args]);
    return { id: 1, fd: 9, address: '127.0.0.1', port: 1, family: 4 };
  }

  unlisten(...args: unknown[]): void {
    this.calls.push(['unlisten', ...args]);
  }

  releaseListener(...args: unknown[]): void {
    this.calls.push(['releaseListener', ...args]);
  }

  turnTimes(): boolean {
    return false;
  }

  laneLoads(): number {
    return 0;
  }

  clientAddress(): undefined {
    this.calls.push(['clientAddress']);
  }

  listenerStats(...args: unknown[]): ListenerStats {
    this.calls.push(['listenerStats', ...args]);
    return {
      connections: 0,
      handshakes: 0,
      accepted: 0,
      overLimit: 0,
      overLimitPerAddress: 0,
      timeouts: 0,
      malformed: 0,
      tlsFailures: 0,
      notUpgrades: 0,
      proxyFailures: 0,
      overHeaderSize: 0,
      overHeadersCount: 0,
      overHandshakes: 0,
    };
  }

  setListenerTls(...args: unknown[]): void {
    this.calls.push(['setListenerTls', ...args]);
  }

  createServerTls(...args: unknown[]): number {
    this.calls.push(['createServerTls', ...args]);
    return 1;
  }

  releaseServerTls(...args: unknown[]): void {
    this.calls.push(['releaseServerTls', ...args]);
  }

  accept(...args: unknown[]): void {
    this.calls.push(['accept', ...args]);
  }

  refuse(...args: unknown[]): void {
    this.calls.push(['refuse', ...args]);
  }

  adopt(...args: unknown[]): number {
    this.calls.push(['adopt', ...args]);
    return 1;
  }

  adoptStream(...args: unknown[]): number {
    this.calls.push(['adoptStream', ...args]);
    return 1;
  }

  feed(...args: unknown[]): boolean {
    this.calls.push(['feed', ...args]);
    return true;
  }

  feedEnd(...args: unknown[]): void {
    this.calls.push(['feedEnd', ...args]);
  }

  took(...args: unknown[]): void {
    this.calls.push(['took', ...args]);
  }

  subscribe(...args: unknown[]): void {
    this.calls.push(['subscribe', ...args]);
  }

  unsubscribe(...args: unknown[]): void {
    this.calls.push(['unsubscribe', ...args]);
  }

  publish(...args: unknown[]): number {
    this.calls.push(['publish', ...args]);
    return this.sendResult;
  }

  publishTo(...args: unknown[]): number {
    this.calls.push(['publishTo', ...args]);
    return this.sendResult;
  }

  publishedAmount(): number {
    return 0;
  }

  prepare(): number {
    return this.sendResult;
  }

  preparedSize(): number {
    return 0;
  }

  preparedPayload(): Buffer {
    return Buffer.alloc(0);
  }

  release(connection: number): void {
    this.calls.push(['release', connection]);
  }

  setRef(ref: boolean): void {
    this.calls.push(['setRef', ref]);
  }

  setLogLevel(levels: number, sink: 0 | 1): void {
    this.calls.push(['setLogLevel', levels, sink]);
  }

  writeLog(level: number, line: string): boolean {
    this.calls.push(['writeLog', level, line]);
    return true;
  }

  setRoots(pem: string): void {
    this.calls.push(['setRoots', pem]);
  }

  createTls(options: TlsOptions): number {
    this.tls.push(options);
    return ++this.nextTls;
  }

  releaseTls(tls: number): void {
    this.calls.push(['releaseTls', tls]);
  }
}
