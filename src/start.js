#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=8 --heap-growing-percent=60 --v8-pool-size=2 --expose-gc
/**
 * The entry of the program. It is JavaScript because Node loads a compiler to read TypeScript, which takes 60 ms and 15 MB
 * of every service. All modules after this one come without types from the compile cache, from the second start on.
 *
 * The flags above, which `npm start` sets as well, keep the memory of a service small. Few of its objects live long:
 * documents come and go, and leave garbage outside of the heap. V8 would let the heap grow to several times its live size
 * before it collects. `--heap-growing-percent=60` saves a fifth of all memory with 10,000 feeds, and rendering them takes a
 * tenth more time. `--expose-gc` lets the service return free heap after a start and after an overload.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./main.ts');
