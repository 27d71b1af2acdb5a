/** The package for `import`: the same module object as for `require`, under the same names. */
import cjs from './index.js';

export * from './index.js';
export default cjs;
