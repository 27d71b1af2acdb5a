/** The command line: its options, which are wscat's where they mean the same, and reading them. */
import { parseArgs } from 'node:util';
import { UsageError, wordsOf } from './exit';

export type Command = 'connect' | 'listen' | 'bench' | 'top';

interface OptionSpec {
  name: string;
  short?: string;
  /** What the value is called in the help; absent: there is none. */
  value?: string;
  multiple?: boolean;
  for: readonly Command[];
  help: string;
}

const CLIENTS: readonly Command[] = ['connect', 'bench'];
const TALKS: readonly Command[] = ['connect', 'listen'];
const CONNECT: readonly Command[] = ['connect'];
const LISTEN: readonly Command[] = ['listen'];
const BENCH: readonly Command[] = ['bench'];
const TOP: readonly Command[] = ['top'];
const MEASURES: readonly Command[] = ['bench', 'top'];
/** That have an engine. */
const SOCKETS: readonly Command[] = ['connect', 'listen', 'bench'];
const REQUESTS: readonly Command[] = ['connect', 'bench', 'top'];
const ALL: readonly Command[] = ['connect', 'listen', 'bench', 'top'];

/** In the order of the help. */
export const OPTIONS: readonly OptionSpec[] = [
  // The request.
  {
    name: 'header',
    short: 'H',
    value: 'name:value',
    multiple: true,
    for: REQUESTS,
    help: 'a header of the request; may be repeated',
  },
  {
    name: 'subprotocol',
    short: 's',
    value: 'name',
    multiple: true,
    for: SOCKETS,
    help: 'a subprotocol to offer, or to accept; may be repeated',
  },
  { name: 'origin', short: 'o', value: 'origin', for: CLIENTS, help: 'the Origin header' },
  { name: 'host', value: 'name', for: CLIENTS, help: 'the Host header' },
  { name: 'auth', value: 'user:password', for: REQUESTS, help: 'basic authentication' },
  { name: 'location', short: 'L', for: CLIENTS, help: 'follow redirects' },
  {
    name: 'max-redirects',
    value: 'number',
    for: CLIENTS,
    help: 'how many redirects to follow (default: 10)',
  },
  { name: 'protocol', short: 'p', value: 'version', for: CLIENTS, help: 'only 13, which is meant' },
  {
    name: 'proxy',
    value: 'url',
    for: CLIENTS,
    help: "[http://]host:port, socks5://host:port, or 'env' for what the environment says",
  },
  {
    name: 'timeout',
    value: 'seconds',
    for: CLIENTS,
    help: 'for the opening handshake (default: 30)',
  },
  { name: 'no-compress', for: CLIENTS, help: 'do not offer permessage-deflate' },
  // TLS.
  { name: 'ca', value: 'file', for: ALL, help: 'certificates to trust, PEM' },
  {
    name: 'cert',
    value: 'file',
    for: ALL,
    help: 'our certificate, PEM; its key too, unless --key is given',
  },
  { name: 'key', value: 'file', for: ALL, help: "our certificate's key, PEM" },
  {
    name: 'passphrase',
    value: '[passphrase]',
    for: ALL,
    help: 'of the key; without a value it is asked for',
  },
  { name: 'no-check', short: 'n', for: REQUESTS, help: "do not check the server's certificate" },
  // What is said.
  {
    name: 'execute',
    short: 'x',
    value: 'message',
    multiple: true,
    for: CONNECT,
    help: 'send this once connected, then wait and close; may be repeated',
  },
  {
    name: 'wait',
    short: 'w',
    value: 'seconds',
    for: CONNECT,
    help: 'how long to wait for answers after -x, a replay or the end of the input (default: 2)',
  },
  {
    name: 'count',
    value: 'number',
    for: CONNECT,
    help: 'close after so many messages; fewer within --wait are a failure',
  },
  { name: 'hex', for: TALKS, help: 'lines are hexadecimal, and sent as binary messages' },
  {
    name: 'slash',
    for: TALKS,
    help: 'lines that begin with / are commands (default on a terminal): /help lists them',
  },
  { name: 'no-slash', for: TALKS, help: 'they are messages' },
  { name: 'echo', for: LISTEN, help: 'send each message back' },
  { name: 'quiet', short: 'q', for: TALKS, help: 'do not print messages' },
  { name: 'show-ping-pong', short: 'P', for: TALKS, help: 'tell of pings and pongs that arrive' },
  {
    name: 'ping',
    value: 'seconds',
    for: CONNECT,
    help: 'send a ping so often, and tell how long its answer took',
  },
  { name: 'record', value: 'file', for: TALKS, help: 'write what is sent and received to a file' },
  {
    name: 'replay',
    value: 'file',
    for: CONNECT,
    help: 'send what a recording has sent, in its time',
  },
  {
    name: 'speed',
    value: 'factor',
    for: CONNECT,
    help: 'of a replay: 2 is twice as fast; 0: without pauses (default: 1)',
  },
  // A measurement.
  { name: 'connections', value: 'number', for: BENCH, help: 'how many (default: 1)' },
  {
    name: 'in-flight',
    value: 'number',
    for: BENCH,
    help: 'messages under way on each (default: 1)',
  },
  {
    name: 'rate',
    value: 'number',
    for: BENCH,
    help: 'messages a second, on all together, instead of --in-flight',
  },
  { name: 'size', value: 'bytes', for: BENCH, help: 'of a message (default: 64)' },
  { name: 'text', for: BENCH, help: 'text instead of binary messages' },
  { name: 'duration', value: 'seconds', for: BENCH, help: 'how long to measure (default: 10)' },
  { name: 'json', for: MEASURES, help: 'print the result as JSON, a line each time' },
  // Watching.
  { name: 'interval', value: 'seconds', for: TOP, help: 'how often to read (default: 2)' },
  { name: 'once', for: TOP, help: 'read twice, an interval apart, print the difference, and end' },
  // The program.
  {
    name: 'log',
    value: 'levels',
    for: SOCKETS,
    help: "the engine's log, to stderr: error,warning,notice,info,… or all, or a number",
  },
  {
    name: 'no-color',
    for: SOCKETS,
    help: 'no colours (nor with NO_COLOR set, nor off a terminal)',
  },
  { name: 'help', short: 'h', for: ALL, help: 'print this' },
];

const USAGE: Readonly<Record<Command, string>> = {
  connect: 'connect to a server, and talk: lines that are typed are sent',
  listen: 'be a server, and talk to whoever connects',
  bench: 'measure a server that sends each message back',
  top: 'watch what a server is doing, by its metrics',
};

const TARGET: Readonly<Record<Command, string>> = {
  connect: 'URL',
  listen: '[HOST:]PORT',
  bench: 'URL',
  top: 'URL',
};

export function isCommand(text: string | undefined): text is Command {
  return text !== undefined && Object.hasOwn(USAGE, text);
}

/** The help of a command, or, without one, of all. */
export function help(command?: Command): string {
  if (command === undefined) {
    const lines = (Object.keys(USAGE) as Command[]).map(
      (name) => `  verawebsockets ${`${name} ${TARGET[name]}`.padEnd(22)}${USAGE[name]}`,
    );
    return [
      'Usage: verawebsockets COMMAND [options]',
      '',
      ...lines,
      '',
      '  -V, --version    print the version',
      '  -h, --help       print this; after a command, its options',
      '',
      "wscat's -c URL and -l PORT may stand in the place of connect and listen.",
      '',
    ].join('\n');
  }
  const rows = OPTIONS.filter((option) => option.for.includes(command)).map((option) => {
    const short = option.short ? `-${option.short}, ` : '    ';
    const value = option.value ? ` ${angled(option.value)}` : '';
    return [`  ${short}--${option.name}${value}`, option.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `Usage: verawebsockets ${command} ${TARGET[command]} [options]`,
    '',
    `${capital(USAGE[command])}.`,
    '',
    ...rows.map(([left, right]) => `${left.padEnd(width)}${right}`),
    '',
  ].join('\n');
}

const angled = (value: string): string => (value.startsWith('[') ? value : `<${value}>`);
const capital = (text: string): string => (text[0] as string).toUpperCase() + text.slice(1);

/** What was given, by name. */
export class Given {
  constructor(
    readonly command: Command,
    readonly target: string,
    readonly values: Readonly<Record<string, string | boolean | (string | boolean)[]>>,
  ) {}

  has(name: string): boolean {
    return this.values[name] !== undefined;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? (value as string[]) : [];
  }

  /** @throws UsageError for anything but a number from min to max. */
  number(
    name: string,
    fallback: number,
    { min = 0, max = Infinity, integer = false } = {},
  ): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = text.trim() === '' ? NaN : Number(text);
    if (
      Number.isNaN(value) ||
      value < min ||
      value > max ||
      (integer && !Number.isInteger(value))
    ) {
      const kind = integer ? 'an integer' : 'a number';
      const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
      throw new UsageError(`--${name} ${text}: needs ${kind} ${range}`);
    }
    return value;
  }
}

/** wscat's --passphrase may come without a value, which parseArgs() does not know. */
function fillPassphrase(args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const next = args[i + 1];
    const alone = arg === '--passphrase' && (next === undefined || next.startsWith('-'));
    return alone ? '--passphrase=' : arg;
  });
}

function parse(
  commands: readonly Command[],
  args: readonly string[],
  more: Record<string, { type: 'string'; short: string }>,
): { values: Record<string, string | boolean | (string | boolean)[]>; positionals: string[] } {
  const known = OPTIONS.filter((option) => option.for.some((name) => commands.includes(name)));
  const options = Object.fromEntries(
    known.map((option) => [
      option.name,
      {
        type: option.value ? ('string' as const) : ('boolean' as const),
        ...(option.short ? { short: option.short } : {}),
        ...(option.multiple ? { multiple: true } : {}),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: fillPassphrase(args),
      options: { ...options, ...more },
      allowPositionals: true,
    });
    return { values: values as Given['values'], positionals };
  } catch (error) {
    const { message } = error as Error;
    const [, instead] = /use ('--\S+?')/.exec(message) ?? [];
    // Its further sentences are about arguments that begin with a dash.
    const words = (wordsOf(error).split('. ', 1)[0] as string).replace(/\.$/, '');
    throw new UsageError(instead ? `${words}: write ${instead}` : words);
  }
}

/**
 * Reads a command line: a command and its argument, or wscat's -c and -l, or a URL alone. Undefined: there is nothing.
 *
 * @throws UsageError
 */
export function readArguments(args: readonly string[]): Given | undefined {
  const [first, ...rest] = args;
  if (first === undefined) return undefined;
  if (isCommand(first)) {
    const { values, positionals } = parse([first], rest, {});
    return given(first, values, positionals);
  }
  const { values, positionals } = parse(TALKS, args, {
    connect: { type: 'string', short: 'c' },
    listen: { type: 'string', short: 'l' },
  });
  const { connect, listen, ...others } = values;
  if (connect !== undefined && listen !== undefined)
    throw new UsageError('-c and -l cannot be given both');
  const command = listen === undefined ? 'connect' : 'listen';
  const target = connect ?? listen;
  const [word] = positionals;
  if (target === undefined && word !== undefined && !/[:./]/.test(word))
    throw new UsageError(`there is no command ${word}: ${ALL.join(', ')}`);
  const misplaced = OPTIONS.find(
    ({ name, for: commands }) => others[name] !== undefined && !commands.includes(command),
  );
  if (misplaced) throw new UsageError(`--${misplaced.name} is no option of ${command}`);
  return given(
    command,
    others,
    target === undefined ? positionals : [String(target), ...positionals],
  );
}

function given(command: Command, values: Given['values'], positionals: readonly string[]): Given {
  const [target, further] = positionals;
  if (further !== undefined)
    throw new UsageError(`${further}: there is one ${TARGET[command]} only`);
  if (values['slash'] && values['no-slash'])
    throw new UsageError('--slash and --no-slash cannot be given both');
  if (target === undefined && !values['help'])
    throw new UsageError(`${command} needs a ${TARGET[command]}`);
  return new Given(command, target ?? '', values);
}
