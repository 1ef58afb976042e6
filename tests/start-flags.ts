import packageJson from '../package.json' with { type: 'json' };

/** The flags of Node and V8 that `npm start` sets. */
export const START_FLAGS: readonly string[] = packageJson.scripts.start.split(' ').slice(2, -1);
