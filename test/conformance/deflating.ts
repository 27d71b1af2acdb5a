/** What the tests of compression share. */
import type { Exchange } from './harness';

export const rsv1 = { rsv: 4 };

/** An exchange with the extension in force. */
export function deflating(exchange: Exchange, parameters = ''): Exchange {
  return {
    ...exchange,
    accept: { extensions: `permessage-deflate${parameters}` },
    options: { perMessageDeflate: { threshold: 0 }, ...exchange.options },
  };
}

/** Text that compresses, and differs from one message to the next. */
export function sample(size: number, seed: number): Buffer {
  const unit = Buffer.from(
    `{"id":${seed},"name":"sensor ${seed % 7}","value":${(seed * 7919) % 1000},"unit":"°C"},`,
  );
  const bytes = Buffer.alloc(size, unit);
  // Not a cut character at the end.
  for (let at = size - 1; at >= 0 && (bytes[at] as number) > 0x7f; --at) bytes[at] = 0x20;
  if (size > 0) bytes[0] = 0x41 + (seed % 26);
  return bytes;
}
