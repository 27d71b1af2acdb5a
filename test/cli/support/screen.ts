/** What a terminal shows after what was written to it: as much of it as readline and the command line use. */

/** Sequences: cursor up, to a column, erase below and in the line, colours; and single characters. */
// eslint-disable-next-line no-control-regex
const PART = /\x1b\[(\d*)(?:;\d+)*([A-Za-z])|\x1b\[\?\d+[hl]|[\s\S]/gu;

export function screenOf(output: string, columns = 80): string[] {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;
  const line = (): string[] => (rows[row] ??= []);
  for (const [text, argument, command] of output.matchAll(PART)) {
    const number = Number(argument || 1);
    if (command === 'A') row = Math.max(0, row - number);
    else if (command === 'B') row += number;
    else if (command === 'C') column += number;
    else if (command === 'D') column = Math.max(0, column - number);
    else if (command === 'G') column = number - 1;
    else if (command === 'K') line().splice(column);
    else if (command === 'J') {
      line().splice(column);
      rows.splice(row + 1);
    } else if (text === '\r') column = 0;
    else if (text === '\n') {
      ++row;
      line();
    } else if (command === undefined && text.length === 1) {
      if (column === columns) {
        ++row;
        column = 0;
      }
      const cells = line();
      while (cells.length < column) cells.push(' ');
      cells[column++] = text;
    }
  }
  return rows.map((cells) => cells.join('').trimEnd());
}
