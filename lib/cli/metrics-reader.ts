/** A server's metrics endpoint, read: OpenMetrics text, and the text format of Prometheus that came before it. */
import { request as requestHttp, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';

const PREFIX = 'verawebsockets_';
/** In ms. */
const TIMEOUT = 10_000;
/** In bytes. */
const MAX_SIZE = 16 * 1024 * 1024;

export interface Sample {
  labels: ReadonlyMap<string, string>;
  value: number;
}

/** One reading. Samples that differ in labels nobody asks for are added up: several servers behind one endpoint. */
export class Reading {
  readonly #samples = new Map<string, Sample[]>();

  /** @param time when it was made, in ms. */
  constructor(
    text: string,
    readonly time: number,
  ) {
    const line = /^(verawebsockets_\w+)(?:\{(.*)\})? (\S+)/gm;
    for (const [, name = '', labels = '', value] of text.matchAll(line)) {
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      const sample = {
        labels: new Map(pairs.map(([, label, content]) => [String(label), String(content)])),
        value: Number(value),
      };
      const key = name.slice(PREFIX.length);
      const all = this.#samples.get(key);
      if (all) all.push(sample);
      else this.#samples.set(key, [sample]);
    }
  }

  get isEmpty(): boolean {
    return this.#samples.size === 0;
  }

  /** Undefined if there is none. */
  value(name: string): number | undefined {
    return this.#samples.get(name)?.reduce((sum, { value }) => sum + value, 0);
  }

  /** All that there are. */
  samples(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** The values by one label. */
  by(name: string, label: string): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.#samples.get(name) ?? []) {
      const key = labels.get(label) ?? '';
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }

  /** The largest value that has this label. */
  largest(name: string, label: string, content: string): number | undefined {
    const found = (this.#samples.get(name) ?? []).filter(
      ({ labels }) => labels.get(label) === content,
    );
    return found.length === 0 ? undefined : Math.max(...found.map(({ value }) => value));
  }
}

/** By how much a counter has grown in a second; one that is smaller than before has begun anew. */
export function rate(before: number, after: number, seconds: number): number {
  return (after >= before ? after - before : after) / seconds;
}

/** @throws what is wrong with the answer. */
export function read(url: URL, options: RequestOptions, now: () => number): Promise<Reading> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...options, timeout: TIMEOUT }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_SIZE) asked.destroy(new Error('the answer is larger than 16 MiB'));
        chunks.push(chunk);
      });
      response.on('end', () => {
        const { statusCode, statusMessage = '' } = response;
        if (statusCode !== 200) {
          reject(new Error(`${url.href} answers ${statusCode} ${statusMessage}`.trim()));
          return;
        }
        const reading = new Reading(Buffer.concat(chunks).toString(), now());
        if (reading.isEmpty) {
          reject(new Error(`${url.href} has no metrics of a WebSocketServer of verawebsockets`));
        } else resolve(reading);
      });
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.on('error', reject);
    asked.end();
  });
}
