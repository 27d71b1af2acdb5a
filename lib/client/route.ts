/**
 * Who makes the stream that a client's connection goes over: the engine, as a rule; or Node, where the user gives an
 * agent of another kind than Node's own, `createConnection`, or something for TLS that only Node has.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { typeError, withCode } from '../options/errors';
import type { ProxyOptions } from '../options/proxy';
import { TLS_OPTION_NAMES } from '../options/tls-options';
import { NODE_TLS_OPTIONS } from './option-names';
import type { GivenOptions } from './types';

type Options = Record<string, unknown>;

/** What Node is asked for a stream with. */
export interface StreamSource {
  agent?: unknown;
  createConnection?: unknown;
  /** The engine makes those that are not secure. */
  secureOnly: boolean;
}

export interface Route {
  /** With what the agent says. */
  options: GivenOptions;
  source: StreamSource | undefined;
}

/** What an agent of Node's says of a connection; as with Node's requests it goes before what the request says. */
const AGENT_OPTIONS: readonly string[] = [
  ...TLS_OPTION_NAMES.filter((name) => name !== 'fingerprint256'),
  ...NODE_TLS_OPTIONS,
  'localAddress',
  'family',
  'lookup',
  'hints',
  'socketPath',
  'blockList',
];

interface AgentLike {
  addRequest: unknown;
  protocol?: unknown;
  options?: Options;
  proxy?: unknown;
  proxyHeaders?: unknown;
  shouldLookup?: unknown;
  listenerCount?: (event: string) => number;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Whether an agent does nothing of its own to make a connection. */
function isPlain(agent: AgentLike): boolean {
  const { options } = agent;
  if (!(agent instanceof HttpAgent) || (options && isGiven(options['proxyEnv']))) return false;
  const given = agent as unknown as Options;
  const base = (agent instanceof HttpsAgent ? HttpsAgent : HttpAgent)
    .prototype as unknown as Options;
  const names = ['addRequest', 'createSocket', 'createConnection'];
  return names.every((name) => given[name] === base[name]);
}

function picked(agent: AgentLike): Options {
  const options = agent.options ?? {};
  const names = AGENT_OPTIONS.filter((name) => isGiven(options[name]));
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

/** The proxy behind an agent that does nothing but use one that the engine can use. */
function proxyOf(agent: AgentLike): ProxyOptions | undefined {
  const { proxy, proxyHeaders } = agent;
  if (typeof proxy !== 'object' || proxy === null) return undefined;
  const { name } = agent.constructor as { name: string };
  if (name === 'HttpsProxyAgent' && proxy instanceof URL && proxy.protocol === 'http:') {
    const asksEachTime = typeof proxyHeaders === 'function';
    if (asksEachTime || (agent.listenerCount?.('proxyConnect') ?? 0) > 0) return undefined;
    return { url: proxy, headers: proxyHeaders as ProxyOptions['headers'] };
  }
  if (name !== 'SocksProxyAgent') return undefined;
  const { host, port, type, userId = '', password = '' } = proxy as Record<string, string | number>;
  if (type !== 5 || (agent as unknown as Options)['socketOptions']) return undefined;
  const url = new URL(`${agent.shouldLookup ? 'socks5' : 'socks5h'}://x:${port}`);
  const address = String(host).replace(/^\[|\]$/g, '');
  url.hostname = address.includes(':') ? `[${address}]` : address;
  url.username = encodeURIComponent(userId);
  url.password = encodeURIComponent(password);
  return { url };
}

function checkAgent(agent: unknown, secure: boolean): AgentLike {
  if (typeof (agent as Partial<AgentLike> | null)?.addRequest !== 'function') {
    throw typeError('options.agent', 'an Agent-like object, undefined or false', agent);
  }
  const given = agent as AgentLike;
  const expected = secure ? 'https:' : 'http:';
  if (isPlain(given) && given.protocol !== expected) {
    // In Node's words.
    throw withCode(
      new TypeError(`Protocol "${expected}" not supported. Expected "${String(given.protocol)}"`),
      'ERR_INVALID_PROTOCOL',
      { field: 'options.agent' },
    );
  }
  return given;
}

/** Whether TLS needs something that the engine has not: its options, or several identities. */
function needsNodeTls(options: Options): boolean {
  const several = (value: unknown): boolean => Array.isArray(value) && value.length !== 1;
  return (
    NODE_TLS_OPTIONS.some((name) => isGiven(options[name])) ||
    several(options['key']) ||
    several(options['pfx'])
  );
}

function sourceOf(options: Options, rest: Partial<StreamSource>): StreamSource | undefined {
  // The engine's requests have version 13.
  if (isGiven(options['blockList']) || options['protocolVersion'] === 8) {
    return { ...rest, secureOnly: false };
  }
  return needsNodeTls(options) ? { ...rest, secureOnly: true } : undefined;
}

/** These are the engine's own: a stream that it has not made cannot have them. */
function refuseEngineOptions(options: Options, source: StreamSource): void {
  for (const name of ['proxy', 'fingerprint256']) {
    if (!isGiven(options[name]) || options[name] === false) continue;
    const names = ['agent', 'createConnection', 'blockList', 'protocolVersion'] as const;
    const other = source.secureOnly ? undefined : names.find((one) => isGiven(options[one]));
    throw withCode(
      new TypeError(
        `the option ${name} cannot be used together with ${other ?? 'options of TLS that only Node has'}`,
      ),
      'ERR_UNSUPPORTED_OPTION',
      { field: `options.${name}` },
    );
  }
}

/**
 * @param secure of the first request.
 * @throws TypeError for an agent that is none, or not for this scheme; or with an option that excludes it.
 */
export function routeOf(given: GivenOptions, secure: boolean): Route {
  const options = given as Options;
  const { agent, createConnection } = options;
  if (!isGiven(agent) || agent === false) {
    if (isGiven(createConnection) && typeof createConnection !== 'function') {
      throw typeError('options.createConnection', 'a function', createConnection);
    }
    const source = createConnection
      ? { createConnection, secureOnly: false }
      : sourceOf(options, {});
    if (source) refuseEngineOptions(options, source);
    return { options: given, source };
  }
  const checked = checkAgent(agent, secure);
  const proxy = isGiven(options['proxy']) || isPlain(checked) ? undefined : proxyOf(checked);
  if (isPlain(checked) || proxy) {
    const merged: Options = { ...options, ...picked(checked), ...(proxy && { proxy }) };
    const source = sourceOf(merged, { agent });
    if (source === undefined) return { options: merged as GivenOptions, source };
  }
  const source = { agent, secureOnly: false };
  refuseEngineOptions(options, source);
  return { options: given, source };
}
