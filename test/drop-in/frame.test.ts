/** Sender.frame() makes the frames that ws's makes. */
import { strict as assert } from 'node:assert';
import { Sender } from '../../lib/drop-in/parts';
import type { FrameOptions } from '../../lib/drop-in/parts';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const theirs = (require('ws') as { Sender: typeof Sender }).Sender;

const generateMask = (mask: Buffer): void => void mask.set([0x12, 0x34, 0x56, 0x78]);

/** What came of it: the parts, and what is in the data afterwards. */
function outcome(make: typeof Sender.frame, data: Buffer | string, options: FrameOptions): unknown {
  const given = typeof data === 'string' ? data : Buffer.from(data);
  const parts = make.call(Sender, given, options);
  return { parts: parts.map((part) => Buffer.from(part)), given };
}

function compare(data: Buffer | string, options: FrameOptions): void {
  const expected = outcome(theirs.frame, data, options);
  assert.deepEqual(outcome(Sender.frame, data, options), expected);
}

describe('verawebsockets/ws: Sender.frame()', () => {
  for (const length of [0, 1, 5, 125, 126, 127, 65_535, 65_536, 70_001]) {
    it(`is as ws's for ${length} bytes`, () => {
      const data = Buffer.alloc(length, 'payload ');
      for (const mask of [false, true]) {
        for (const readOnly of [false, true]) {
          const options = { fin: true, rsv1: false, opcode: 2, mask, readOnly, generateMask };
          compare(data, options);
          compare(data.toString(), { ...options, opcode: 1 });
        }
      }
    });
  }

  it("has ws's bits for each opcode, fin and rsv1", () => {
    for (const opcode of [0, 1, 2, 8, 9, 10]) {
      for (const fin of [false, true, undefined]) {
        for (const rsv1 of [false, true, undefined])
          compare(Buffer.from('bits'), { opcode, fin, rsv1 });
      }
    }
  });

  it('does not mask with a mask of zeros, as ws does not', () => {
    const zeros = (mask: Buffer): void => void mask.fill(0);
    for (const readOnly of [false, true])
      compare(Buffer.from('as it is'), { opcode: 2, mask: true, readOnly, generateMask: zeros });
  });

  it('writes the mask to maskBuffer', () => {
    const [own, other] = [Buffer.alloc(4), Buffer.alloc(4)];
    const options = { opcode: 1, mask: true, generateMask };
    const frame = Sender.frame('text', { ...options, maskBuffer: own });
    assert.deepEqual(frame, theirs.frame('text', { ...options, maskBuffer: other }));
    assert.deepEqual(own, other);
  });

  it('masks with random bytes unless told otherwise', () => {
    const options = { fin: true, opcode: 2, mask: true, readOnly: true };
    const masks = new Set<string>();
    for (let i = 0; i < 16; i++) {
      const [frame] = Sender.frame(Buffer.from([1, 2, 3, 4]), options);
      masks.add(Buffer.from(frame as Uint8Array).toString('hex', 2, 6));
    }
    assert.ok(masks.size > 1);
  });
});
