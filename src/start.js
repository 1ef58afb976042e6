#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=8 --v8-pool-size=2
/**
 * Where the program begins. Not in TypeScript: to read some, Node loads what takes its types away, 60 ms and 15 MB of a
 * service. From here on modules come without types and compiled out of the cache, from the second start on.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./main.ts');
