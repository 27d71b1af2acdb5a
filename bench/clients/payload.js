'use strict';

// What the clients send; the C clients' payload.h makes the same.

/**
 * A compressible JSON text of exactly `size` bytes.
 * @param {number} size
 * @param {number} id
 */
function jsonText(size, id) {
  let seed = id;
  let text = `{"id":${id},"items":[`;
  while (text.length + 160 < size) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const sku = seed.toString(16).padStart(8, '0');
    const cents = String((seed >>> 12) & 63).padStart(2, '0');
    const price = `${(seed >>> 20) & 1023}.${cents}`;
    text += `{"sku":"${sku}","quantity":${seed >>> 24},"price":${price},"tags":["new","sale"]},`;
  }
  const head = `${text.slice(0, -1)}],"note":"`;
  const note = Array.from({ length: size - head.length - 2 }, (_, i) => letter(head.length + i));
  return `${head}${note.join('')}"}`;
}

/** @param {number} i */
function letter(i) {
  return String.fromCharCode(97 + (i % 26));
}

/**
 * Messages to send in turn.
 * @param {'binary' | 'text' | 'json'} type
 * @param {number} size
 * @returns {(string | Buffer)[]}
 */
function makePayloads(type, size) {
  if (type === 'json') return Array.from({ length: 64 }, (_, id) => jsonText(size, id));
  if (type === 'text')
    return [
      Array.from({ length: 26 }, (_, i) => letter(i))
        .join('')
        .repeat(size / 26 + 1)
        .slice(0, size),
    ];
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31;
  return [bytes];
}

module.exports = { makePayloads };
