/**
 * The documented functions: create, connect, send, loop, set_log_level, and close.
 *
 * {@link Api} is one set of them, on one environment; index.ts exports those of this thread, and describes them.
 */
import { fileURLToPath } from 'node:url';
import { checkBoolean, checkInteger, checkObject, checkPath, checkString } from '../options/checks';
import { isLoaded, type Environment } from '../addon/environment';
import { configureBinary } from '../addon/load';
import { MOST_LANES } from '../addon/turn-times';
import {
  stateError,
  typeError,
  unknownName,
  urlError,
  valueError,
  withCode,
  show,
} from '../options/errors';
import { checkEventHandlers, type EventHandlers } from './events';
import { setLogLevel } from './log';
import { Loop } from './loop';
import {
  DEFAULTS,
  CONNECTION_OPTION_NAMES,
  makeTarget,
  type ConnectionOptions,
  type Naming,
} from '../options/connection-options';
import { loopObstacle } from '../base/runtime';
import { checkSslSettings, type SslSettings } from '../options/tls-options';
import { parseUrl } from '../options/url';
import { Core, WebSocketObject } from './wso';

/** What create() takes: the documented fields, and the options of connections. */
export interface CreateOptions extends ConnectionOptions {
  /** ws: or wss: (http: and https: are taken for them). Credentials in it become basic authentication. */
  url: string | URL;
  /** Handlers by event ID. */
  event_handlers?: EventHandlers | undefined;
  /** Settings of TLS, under libwebsockets' names. */
  ssl_settings?: SslSettings | undefined;
  /** true: the program waits for the object by loop(). Default false. */
  standalone?: boolean | undefined;
  /** The same as event_handlers. */
  eventHandlers?: EventHandlers | undefined;
  /** The same as ssl_settings; its settings may be written in camelCase as well. */
  sslSettings?: SslSettings | Readonly<Record<string, unknown>> | undefined;
}

const OWN_FIELDS = ['url', 'event_handlers', 'ssl_settings', 'standalone'];
const FIELDS: ReadonlySet<string> = new Set([...OWN_FIELDS, ...CONNECTION_OPTION_NAMES]);

/** Every way a field may be written, and its proper one: eventHandlers, handshake_timeout, skip_utf8_validation. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  [...FIELDS].flatMap((name) =>
    [name, camel(name), snake(name)].map((spelling): [string, string] => [spelling, name]),
  ),
);

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function snake(name: string): string {
  return name
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** The table given to create(), under the proper names, and how each was written. */
function readTable(input: object): {
  table: Record<string, unknown>;
  field: (name: string) => string;
} {
  const table: Record<string, unknown> = {};
  const written = new Map<string, string>();
  for (const [name, value] of Object.entries(input)) {
    const proper = SPELLINGS.get(name);
    if (proper === undefined) {
      // agent and createConnection get an error of their own, which says what to use instead.
      if (name === 'agent' || name === 'createConnection') table[name] = value;
      else throw unknownName('field of create()', name, FIELDS);
      continue;
    }
    if (value === undefined) continue;
    const earlier = written.get(proper);
    if (earlier !== undefined) {
      throw withCode(
        new TypeError(`${show(name)} and ${show(earlier)} are given both, and mean the same`),
        'ERR_INVALID_ARG_VALUE',
        { field: name },
      );
    }
    written.set(proper, name);
    table[proper] = value;
  }
  return { table, field: (name) => written.get(name) ?? name };
}

export class Api {
  private readonly loopOfObjects: Loop;

  constructor(private readonly environment: Environment) {
    this.loopOfObjects = new Loop(environment.dispatcher);
  }

  create(options: CreateOptions): WebSocketObject {
    const { table, field } = readTable(checkObject('create(): options', options));
    const { url, event_handlers, ssl_settings, standalone = false, ...rest } = table;
    if (url === undefined) throw typeError('url', 'a string or a URL', url);
    const parsed = parseUrl(url, field('url'));
    if (parsed.port === 0) {
      throw urlError(field('url'), parsed.href, 'has port 0, which cannot be connected to');
    }
    const handlers = checkEventHandlers(field('event_handlers'), event_handlers);
    const isStandalone = checkBoolean(field('standalone'), standalone);
    const connectionOptions = rest as ConnectionOptions;
    if (isStandalone && connectionOptions.lookup !== undefined) {
      throw withCode(
        new TypeError(
          `${field('lookup')} cannot be used with ${field('standalone')}: it could not answer while loop() blocks`,
        ),
        'ERR_UNSUPPORTED_OPTION',
        { field: field('lookup') },
      );
    }
    const naming = addSslSettings(connectionOptions, ssl_settings, field);
    const { tls } = this.environment;
    const target = makeTarget(tls, parsed, connectionOptions, DEFAULTS, naming);
    const settings = {
      url: parsed,
      target,
      options: connectionOptions,
      naming,
      handlers,
      standalone: isStandalone,
    };
    return new WebSocketObject(new Core(this.environment, this.loopOfObjects, settings));
  }

  connect(wso: WebSocketObject): void {
    WebSocketObject.coreOf(wso).connect();
  }

  send(wso: WebSocketObject, message: string | ArrayBufferView | ArrayBufferLike): boolean {
    return WebSocketObject.coreOf(wso).send(message);
  }

  close(wso: WebSocketObject, code?: number, reason?: string): void {
    const core = WebSocketObject.coreOf(wso);
    if (code !== undefined && code !== null) {
      checkInteger('code', code, 1000, 4999);
      if (code !== 1000 && code < 3000) {
        throw valueError(
          'code',
          code,
          'is none a program may send: 1000, or 3000 to 4999 (RFC 6455 §7.4.2)',
        );
      }
    }
    if (reason !== undefined && reason !== null) {
      const bytes = Buffer.byteLength(checkString('reason', reason));
      if (bytes > 123)
        throw valueError('reason', reason, `has ${bytes} bytes; 123 fit in a Close frame`);
      if (bytes > 0 && (code === undefined || code === null)) {
        throw valueError('reason', reason, 'needs a code before it');
      }
    }
    core.close(code ?? 0, reason || undefined);
  }

  loop(): void {
    this.loopOfObjects.run();
  }

  setLogLevel(levels: number | 'all', log?: ((level: number, line: string) => void) | null): void {
    setLogLevel(this.environment.dispatcher, levels, log);
  }

  ref(wso: WebSocketObject): void {
    WebSocketObject.coreOf(wso).setRef(true);
  }

  unref(wso: WebSocketObject): void {
    WebSocketObject.coreOf(wso).setRef(false);
  }

  configure(options: Omit<EngineConfiguration, 'binary'>): void {
    const { dispatcher } = this.environment;
    if (dispatcher.isStarted) {
      throw stateError(
        'ERR_ENGINE_STARTED',
        'configure() must be called before the first connect()',
      );
    }
    dispatcher.configure(checkEngine(options, dispatcher.engine));
  }
}

/** How the engine of a thread runs. */
export interface EngineConfiguration {
  /**
   * 'thread': on a thread of its own. 'loop': on Node's own event loop, without a thread. 'adaptive' (default): on
   * Node's loop while traffic is light, for the lowest latency; on its thread when traffic is heavy or JavaScript is
   * busy. On Bun and Deno always on its thread, and 'loop' throws `ERR_FEATURE_UNAVAILABLE`.
   */
  service?: 'thread' | 'loop' | 'adaptive' | undefined;
  /**
   * Threads over which the engine spreads its connections: their reading, TLS, compression, framing and publications.
   * From 1 to 64. Default 1. With more than one, the first is as `service` says, and all others always run. A new
   * connection goes to the thread that has the fewest; it stays there. JavaScript goes on running on one thread, and
   * what is promised of the order of a socket's messages and events holds as with one. Not together with service
   * 'loop', which has no thread.
   */
  threads?: number | undefined;
  /** Bytes of memory that may wait for JavaScript before sockets are no longer read. Default 8 MiB. */
  inboundHighWaterMark?: number | undefined;
  /** Bytes at which they are read again. Default 2 MiB. */
  inboundLowWaterMark?: number | undefined;
  /**
   * The file of the addon: a path, relative to the working directory unless absolute, or a `file:` URL. No other is
   * tried. Only before anything else of the package is used. Default: what is found in the package, or in a bundle.
   * The environment variable VERAWEBSOCKETS_BINARY goes before it.
   */
  binary?: string | URL | undefined;
}

/** Takes the addon's file out of what configure() was given: it has to be known before there is an {@link Api}. */
export function nameBinary(input: unknown): Omit<EngineConfiguration, 'binary'> {
  const { binary, ...engine } = checkObject('configure(): options', input);
  if (binary === undefined) return engine;
  const url = binary instanceof URL && binary.protocol === 'file:';
  const file = checkPath('binary', url ? fileURLToPath(binary) : binary);
  if (isLoaded()) {
    throw stateError(
      'ERR_ENGINE_STARTED',
      'configure({ binary }) must come before everything else: the addon has been loaded already',
    );
  }
  configureBinary(file);
  return engine;
}

function checkEngine(
  input: unknown,
  current: Readonly<Required<Omit<EngineConfiguration, 'binary'>>>,
): {
  service: 'thread' | 'loop' | 'adaptive';
  inboundHighWaterMark: number;
  inboundLowWaterMark: number;
  threads: number;
} {
  const given = checkObject('configure(): options', input);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(current, name))
      throw unknownName('field of configure()', name, [...Object.keys(current), 'binary']);
  }
  const { service, threads, inboundHighWaterMark, inboundLowWaterMark } = { ...current, ...given };
  const services = ['thread', 'loop', 'adaptive'] as const;
  if (!services.includes(service as (typeof services)[number])) {
    throw valueError('service', service, `is not one of ${services.join(', ')}`);
  }
  const obstacle = service === 'loop' ? loopObstacle() : undefined;
  if (obstacle !== undefined)
    throw stateError('ERR_FEATURE_UNAVAILABLE', `service 'loop' ${obstacle}`);
  const lanes = checkInteger('threads', threads, 1, MOST_LANES);
  if (service === 'loop' && lanes > 1) {
    throw valueError('threads', threads, "needs another service than 'loop', which has no thread");
  }
  const high = checkInteger('inboundHighWaterMark', inboundHighWaterMark, 1024, 2 ** 31 - 1);
  return {
    service: service as (typeof services)[number],
    inboundHighWaterMark: high,
    inboundLowWaterMark: checkInteger('inboundLowWaterMark', inboundLowWaterMark, 0, high),
    threads: lanes,
  };
}

/** Adds the settings of TLS to the options; returns how everything is called in messages. */
function addSslSettings(
  options: ConnectionOptions,
  input: unknown,
  field: (name: string) => string,
): Naming {
  if (input === undefined || input === null) return { field };
  const {
    options: settings,
    fields,
    described,
  } = checkSslSettings(checkObject(field('ssl_settings'), input), field('ssl_settings'));
  for (const name of Object.keys(settings) as (keyof ConnectionOptions)[]) {
    if (options[name] !== undefined) {
      throw withCode(
        new TypeError(
          `${field(name)} and ${fields.get(name) as string} are given both, and mean the same`,
        ),
        'ERR_INVALID_ARG_VALUE',
        { field: field(name) },
      );
    }
  }
  const own = new Set(Object.keys(options));
  Object.assign(options, settings);
  return {
    field: (name) => (own.has(name) ? field(name) : (fields.get(name) ?? field(name))),
    described,
  };
}
