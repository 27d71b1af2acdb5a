/** How a socket ends: for each state and each event, the next state and what is done. RFC 6455 §7, and what ws does. */
import { strict as assert } from 'node:assert';
import { Act, Ending } from '../../lib/session/ending';

const NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;
type Name = (typeof NAMES)[number];

const LOSS = new Error('the connection was lost');
const BREACH = new Error('a breach');

/** How each state is come to. */
const STATES = {
  connecting: () => undefined,
  'given up': (it) => it.abandon(),
  open: (it) => it.opened(),
  'closing, we were first': (it) => [it.opened(), it.wishClose()],
  'closing, the peer was first': (it) => [it.opened(), it.leaveOpen()],
  'cut off': (it) => [it.opened(), it.wishCut()],
  broken: (it) => [it.opened(), it.breaks(BREACH, false)],
  'broken, may be made anew': (it) => [it.opened(), it.breaks(BREACH, true)],
  'made anew': (it) => [it.opened(), it.breaks(BREACH, true), it.startAnew()],
  closed: (it) => [it.opened(), it.tcpEnded(1000, () => LOSS), it.finishing(true), it.over()],
} satisfies Record<string, (it: Ending) => unknown>;
type State = keyof typeof STATES;

const ACTS = {
  [Act.Nothing]: '-',
  [Act.GiveUp]: 'give up',
  [Act.SendClose]: 'Close frame',
  [Act.CutOff]: 'cut off',
};

const TOLD = new Map([
  [undefined, '-'],
  [LOSS, 'loss'],
  [BREACH, 'breach'],
]);

/** All of the end of TCP: the error that is told, in which state; the state that functions of send() see. */
function end(it: Ending, code: number): string {
  const error = it.tcpEnded(code, () => LOSS);
  const told = error ? `${TOLD.get(error)} in ${NAMES[it.readyState]}` : '-';
  it.finishing(code !== 1006);
  assert.equal(it.closedCleanly, code !== 1006);
  const seen = NAMES[it.readyState];
  it.over();
  return `${told}; ${seen}; ${it.isLoss(code) ? 'lost' : 'wished'}`;
}

/** What happens, and what is answered. */
const EVENTS = {
  'close()': (it) => ACTS[it.wishClose()],
  'terminate()': (it) => ACTS[it.wishCut()],
  'it is given up': (it) => (it.abandon() ? 'given up' : '-'),
  'a Close frame comes': (it) => (it.leaveOpen(), 'engine answers'),
  'a breach': (it) => (it.breaks(new Error('another'), false) ? 'told' : '-'),
  'a breach, may be made anew': (it) => (it.breaks(new Error('another'), true) ? 'told' : '-'),
  'TCP ends, 1000': (it) => end(it, 1000),
  'TCP ends, 1005': (it) => end(it, 1005),
  'TCP ends, 1006': (it) => end(it, 1006),
} satisfies Record<string, (it: Ending) => string>;
type Event = keyof typeof EVENTS;

type Table = { [S in State]: Partial<Record<Event, readonly [Name, string]>> };

/** What can be wished before there is a connection. */
const BEFORE = {
  'close()': ['CONNECTING', 'give up'],
  'terminate()': ['CONNECTING', 'give up'],
  'it is given up': ['CLOSING', 'given up'],
} as const;

/** Whoever was first: no second Close frame, and TCP can still be cut off. */
const CLOSING = {
  'close()': ['CLOSING', '-'],
  'terminate()': ['CLOSING', 'cut off'],
  'it is given up': ['CLOSING', '-'],
  'a Close frame comes': ['CLOSING', 'engine answers'],
} as const;

const WS: Table = {
  connecting: BEFORE,
  'given up': {
    'close()': ['CLOSING', '-'],
    'terminate()': ['CLOSING', 'cut off'],
    'it is given up': ['CLOSING', '-'],
  },
  open: {
    'close()': ['CLOSING', 'Close frame'],
    'terminate()': ['CLOSING', 'cut off'],
    'it is given up': ['OPEN', '-'],
    'a Close frame comes': ['CLOSING', 'engine answers'],
    'a breach': ['CLOSING', 'told'],
    'a breach, may be made anew': ['CLOSING', '-'],
    'TCP ends, 1006': ['CLOSED', '-; CLOSING; lost'],
  },
  'closing, we were first': {
    ...CLOSING,
    'a breach': ['CLOSING', 'told'],
    'a breach, may be made anew': ['CLOSING', 'told'],
    'TCP ends, 1000': ['CLOSED', '-; CLOSING; wished'],
    'TCP ends, 1005': ['CLOSED', '-; CLOSING; wished'],
    'TCP ends, 1006': ['CLOSED', '-; CLOSING; wished'],
  },
  'closing, the peer was first': {
    ...CLOSING,
    'a breach': ['CLOSING', 'told'],
    'TCP ends, 1000': ['CLOSED', '-; CLOSING; wished'],
    'TCP ends, 1005': ['CLOSED', '-; CLOSING; wished'],
    'TCP ends, 1006': ['CLOSED', '-; CLOSING; lost'],
  },
  'cut off': {
    ...CLOSING,
    'TCP ends, 1006': ['CLOSED', '-; CLOSING; wished'],
  },
  broken: {
    ...CLOSING,
    'a breach': ['CLOSING', '-'],
    'TCP ends, 1000': ['CLOSED', '-; CLOSING; wished'],
    'TCP ends, 1006': ['CLOSED', '-; CLOSING; lost'],
  },
  'broken, may be made anew': {
    ...CLOSING,
    'a breach': ['CLOSING', '-'],
    'TCP ends, 1006': ['CLOSED', 'breach in CLOSING; CLOSING; lost'],
  },
  'made anew': BEFORE,
  closed: {
    'close()': ['CLOSED', '-'],
    'terminate()': ['CLOSED', '-'],
    'it is given up': ['CLOSED', '-'],
  },
};

/** Where the standard is another: errors come with the end, in CLOSED; and an end without a Close frame is one. */
const STANDARD: Partial<Table> = {
  open: {
    ...WS.open,
    'a breach': ['CLOSING', '-'],
    'TCP ends, 1006': ['CLOSED', 'loss in CLOSED; CLOSED; lost'],
  },
  'closing, we were first': {
    ...CLOSING,
    'a breach': ['CLOSING', '-'],
    'TCP ends, 1000': ['CLOSED', '-; CLOSING; wished'],
    // It has been asked for: no error.
    'TCP ends, 1006': ['CLOSED', '-; CLOSING; wished'],
  },
  'closing, the peer was first': {
    ...CLOSING,
    'a breach': ['CLOSING', '-'],
    'TCP ends, 1000': ['CLOSED', '-; CLOSING; wished'],
    'TCP ends, 1006': ['CLOSED', 'loss in CLOSED; CLOSED; lost'],
  },
  broken: {
    ...CLOSING,
    'TCP ends, 1000': ['CLOSED', 'breach in CLOSED; CLOSED; wished'],
    'TCP ends, 1006': ['CLOSED', 'breach in CLOSED; CLOSED; lost'],
  },
  'broken, may be made anew': {
    ...CLOSING,
    'TCP ends, 1006': ['CLOSED', 'breach in CLOSED; CLOSED; lost'],
  },
};

for (const [face, isStrict, table] of [
  ['as ws', false, WS],
  ['as the standard', true, { ...WS, ...STANDARD }],
] as const) {
  describe(`the end of a socket, ${face}`, () => {
    for (const [state, row] of Object.entries(table) as [State, Table[State]][]) {
      for (const [event, expected] of Object.entries(row) as [Event, readonly [Name, string]][]) {
        it(`${state}; ${event}: ${expected.join(', ')}`, () => {
          const it = new Ending(isStrict);
          STATES[state](it);
          const answer = EVENTS[event](it);
          assert.deepEqual([NAMES[it.readyState], answer], expected);
        });
      }
    }
  });
}
