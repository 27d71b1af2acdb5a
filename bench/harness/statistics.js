'use strict';

/** @param {number[]} values @param {number} share 0 to 1 */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

const median = (values) => quantile(values, 0.5);

/** Distance of the quartiles, relative to the median. */
function spread(values) {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}

module.exports = { median, quantile, spread };
