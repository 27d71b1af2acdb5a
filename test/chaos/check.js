'use strict';

// What must hold of a run of the chaos test, and what is counted of it.

/**
 * Numbers between two, both included, in a list that grows.
 *
 * @param {number[]} list
 */
function between(list, first, last) {
  const place = (number) => {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] < number) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return place(last + 1) - place(first);
}

/**
 * @param seen by the letter of a server, what its clients have: union, runs, violations.
 * @param settled by the name of a publisher, its messages: [topic, number, time, outcome].
 * @param calm spans of time, [from, to], in which nothing may be lost.
 * @param away likewise, in which there was no broker.
 * @param last by letter, the last report of a server that was there at the end.
 * @param faithful letters of servers that were there, with all of their clients, from the beginning to the end.
 */
function check({ seen, settled, calm, away, last, faithful }) {
  const problems = [];
  const problem = (text) => problems.length < 20 && problems.push(text);
  const within = (spans, time) => spans.some(([from, to]) => time >= from && time <= to);
  const unions = new Map();
  for (const [letter, { union, runs, violations }] of seen) {
    for (const violation of violations) problem(`${letter}: ${violation}`);
    const lists = new Map(union);
    unions.set(letter, new Map(union.map(([key, numbers]) => [key, new Set(numbers)])));
    for (const [key, first, to, count] of runs) {
      const there = between(lists.get(key), first, to);
      if (there !== count) {
        problem(`${letter}: a client got ${count} of ${there} of ${key} from ${first} to ${to}`);
      }
    }
  }
  const counts = [];
  for (const [name, messages] of settled) {
    const one = {
      name,
      published: messages.length,
      reached: 0,
      lost: 0,
      cameAllTheSame: 0,
      notByAll: 0,
    };
    for (const [topic, number, time, outcome] of messages) {
      const missing = [...unions].filter(
        ([, union]) => !union.get(`${name} ${topic}`)?.has(number),
      );
      const elsewhere = missing.filter(([letter]) => letter !== name[0]).length;
      const others = unions.size - 1;
      const what = `${name} ${topic} ${number}`;
      if (outcome === 1) one.reached += 1;
      else one.lost += 1;
      if (outcome === 0 && elsewhere < others) one.cameAllTheSame += 1;
      if (outcome === 1 && elsewhere > 0) one.notByAll += 1;
      if (within(calm, time)) {
        if (outcome === 0) problem(`${what} was lost for no reason`);
        for (const [letter] of missing) problem(`${what} did not come to ${letter}`);
      }
      if (within(away, time)) {
        if (outcome === 1) problem(`${what} has reached a broker that was not there`);
        if (elsewhere < others) problem(`${what} came without a broker`);
      }
    }
    counts.push(one);
  }
  for (const [letter, { name, brokerStats, received, dropped }] of last) {
    const one = counts.find((count) => count.name === name);
    const same = (what, library, test) => {
      if (library !== test)
        problem(`${name}: ${what}: ${library} by the library, ${test} by the test`);
    };
    same('published', brokerStats.published, one.reached);
    same('lost', brokerStats.lost, one.lost);
    same('received', brokerStats.received + brokerStats.late, received);
    same('waiting', brokerStats.waitingBytes, 0);
    same('dropped', dropped, 0);
    if (!faithful.includes(letter)) continue;
    let came = 0;
    for (const [key, numbers] of seen.get(letter).union)
      if (key[0] !== letter) came += numbers.length;
    same('received, and what clients got', brokerStats.received, came);
  }
  return { problems, counts };
}

module.exports = { check };
