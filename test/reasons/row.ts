/** What a test of a reason is made of. */
import type { AcceptOptions, RawServerOptions, Script } from '../support/raw-server';

export interface Row {
  reason: string;
  code: string | RegExp;
  /** What the server does. */
  how: string;
  script?: Script;
  server?: RawServerOptions;
  /** Instead of the server's. May name {port}. */
  url?: string;
  /** Further fields for create(). May depend on the server's port. */
  options?: Record<string, unknown> | ((port: number) => Record<string, unknown>);
  ssl?: Record<string, unknown>;
  /** HTTP status on the error. */
  status?: number;
  /** What `detail` must contain. */
  detail?: RegExp;
}

/** Accepts, with deviations. */
export const answer =
  (options: AcceptOptions): Script =>
  async (connection) => {
    await connection.accept(options);
  };

/** Reads the request and answers with these bytes. */
export const reply =
  (bytes: string | Buffer): Script =>
  async (connection) => {
    await connection.readRequest();
    connection.write(bytes);
  };

export const status = (line: string, ...headers: string[]): string =>
  `HTTP/1.1 ${line}\r\n${headers.map((header) => `${header}\r\n`).join('')}Content-Length: 0\r\n\r\n`;
