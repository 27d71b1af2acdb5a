/** `verawebsockets/brokers/cluster` for `import`: the same functions as for `require`. */
export * from './cluster.js';
