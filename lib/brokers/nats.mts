/** `verawebsockets/brokers/nats` for `import`: the same function as for `require`. */
export * from './nats.js';
