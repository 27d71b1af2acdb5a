#!/usr/bin/env node
/** The command line, `npx verawebsockets`: see docs/cli.md. */
import { VERSION } from '../base/version';
import { help, isCommand, readArguments, type Given } from './arguments';
import { BenchCommand } from './bench';
import { ConnectCommand } from './connect';
import { EXIT, isBinaryMissing, UsageError, wordsOf } from './exit';
import { ListenCommand } from './listen';
import { startLog } from './log';
import { askSecret } from './terminal';
import { TopCommand } from './top';

const COMMANDS = {
  connect: ConnectCommand,
  listen: ListenCommand,
  bench: BenchCommand,
  top: TopCommand,
} as const;

interface Running {
  /** A line of the log. */
  note(line: string): void;
  /** Resolves with the exit code. */
  run(): Promise<number>;
}

async function start(given: Given): Promise<number> {
  const log = given.text('log');
  const to: { command?: Running } = {};
  // Before there is a connection; lines come later than the command.
  if (log !== undefined) startLog(log, (line) => to.command?.note(line));
  const passphrase = given.text('passphrase') === '' ? await askSecret('Passphrase: ') : undefined;
  to.command = new COMMANDS[given.command](given, passphrase);
  return await to.command.run();
}

async function main(args: readonly string[]): Promise<number> {
  const [first] = args;
  if (first === '--version' || first === '-V') {
    process.stdout.write(`${VERSION}\n`);
    return EXIT.done;
  }
  const asked = first === '--help' || first === '-h' || first === 'help';
  if (asked) {
    process.stdout.write(help(isCommand(args[1]) ? args[1] : undefined));
    return EXIT.done;
  }
  const given = readArguments(args);
  if (given === undefined) {
    process.stderr.write(help());
    return EXIT.usage;
  }
  if (given.has('help')) {
    process.stdout.write(help(given.command));
    return EXIT.done;
  }
  return await start(given);
}

main(process.argv.slice(2)).then(
  // Behind what was written, which may go to a slow pipe.
  (code) => process.stdout.write('', () => process.exit(code)),
  (error: unknown) => {
    const [command] = process.argv.slice(2);
    const of = isCommand(command) ? ` ${command}` : '';
    const hint = error instanceof UsageError ? ` (see verawebsockets${of} --help)` : '';
    // Its words begin with our name, and say what to do on a line of their own.
    const words = isBinaryMissing(error) ? error.message : `verawebsockets: ${wordsOf(error)}`;
    process.stderr.write(`${words}${hint}\n`);
    process.exit(error instanceof UsageError ? EXIT.usage : EXIT.failed);
  },
);
