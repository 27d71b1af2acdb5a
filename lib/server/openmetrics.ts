/** Metrics as text: OpenMetrics 1.0.0, which Prometheus and whatever took its format read. */
import { checkObject, checkString } from '../options/checks';
import { valueError } from '../options/errors';

/** The media type of the text. */
export const CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

/** One value, and the labels that tell it from the others of its family. */
export type Sample = readonly [value: number, labels?: Labels];

/** Labels that samples have of their own. */
const TAKEN = new Set(['code', 'lane', 'le', 'peer', 'quantile', 'rank', 'reason']);

/** @throws TypeError for what is no object of strings, and for names that cannot be used. */
export function checkLabels(field: string, value: unknown): Labels {
  const labels = checkObject(field, value);
  for (const [name, text] of Object.entries(labels)) {
    checkString(`${field}.${name}`, text);
    if (!/^[A-Za-z_]\w*$/.test(name) || name.startsWith('__')) {
      throw valueError(field, name, 'is no name of a label');
    }
    if (TAKEN.has(name)) throw valueError(field, name, 'is a label of the metrics themselves');
  }
  return labels as Labels;
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

/** With two digits in the exponent, as most programs write it: consumers compare bounds as text. */
function bound(value: number): string {
  if (value >= 0.0001) return Number.isInteger(value) ? `${value}.0` : String(value);
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

export class OpenMetrics {
  #text = '';

  /** @param common labels of every sample. */
  constructor(private readonly common: Labels = {}) {}

  #family(name: string, type: string, help: string): void {
    this.#text += `# TYPE ${name} ${type}\n`;
    // The unit is the end of the name.
    const [unit] = /(?<=_)(bytes|seconds)$/.exec(name) ?? [];
    if (unit !== undefined) this.#text += `# UNIT ${name} ${unit}\n`;
    this.#text += `# HELP ${name} ${escaped(help)}\n`;
  }

  #sample(name: string, value: number, own: Labels = {}): void {
    const labels = Object.entries({ ...this.common, ...own })
      .map(([label, text]) => `${label}="${escaped(text)}"`)
      .join(',');
    this.#text += `${name}${labels && `{${labels}}`} ${value}\n`;
  }

  /** What goes up and down. */
  gauge(name: string, help: string, ...samples: readonly Sample[]): void {
    this.#family(name, 'gauge', help);
    for (const [value, labels] of samples) this.#sample(name, value, labels);
  }

  /** What only grows. `name` is without `_total`. */
  counter(name: string, help: string, ...samples: readonly Sample[]): void {
    this.#family(name, 'counter', help);
    for (const [value, labels] of samples) this.#sample(`${name}_total`, value, labels);
  }

  /** @param counts of each class, the one without a bound last. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    counts: readonly number[],
    sum: number,
  ): void {
    this.#family(name, 'histogram', help);
    let upTo = 0;
    counts.forEach((count, i) => {
      const limit = bounds[i];
      upTo += count;
      this.#sample(`${name}_bucket`, upTo, { le: limit === undefined ? '+Inf' : bound(limit) });
    });
    this.#sample(`${name}_count`, upTo);
    this.#sample(`${name}_sum`, sum);
  }

  /** @param quantiles by what they are of 1. */
  summary(
    name: string,
    help: string,
    quantiles: readonly (readonly [number, number])[],
    count: number,
    sum: number,
  ): void {
    this.#family(name, 'summary', help);
    for (const [quantile, value] of quantiles) {
      this.#sample(name, value, { quantile: String(quantile) });
    }
    this.#sample(`${name}_count`, count);
    this.#sample(`${name}_sum`, sum);
  }

  end(): string {
    return `${this.#text}# EOF\n`;
  }
}
