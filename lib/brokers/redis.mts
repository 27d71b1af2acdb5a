/** `verawebsockets/brokers/redis` for `import`: the same function as for `require`. */
export * from './redis.js';
