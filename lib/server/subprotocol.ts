/** The Sec-WebSocket-Protocol header of a request (RFC 6455 §4.1, §11.3.4). */
import { Scanner } from '../base/tokens';

/**
 * The subprotocols a client offers, in its order.
 *
 * @param header the header's value; several headers joined by ", ".
 * @throws SyntaxError if it is not a list of tokens, or one is there twice.
 */
export function parse(header: string): Set<string> {
  const scanner = new Scanner(header);
  const protocols = new Set<string>();
  do {
    scanner.skipBlanksInside();
    const protocol = scanner.token();
    if (protocols.has(protocol)) {
      throw new SyntaxError(`The "${protocol}" subprotocol is duplicated`);
    }
    protocols.add(protocol);
    scanner.skipBlanksInside();
  } while (scanner.take(','));
  if (!scanner.ended) throw scanner.unexpected();
  return protocols;
}
