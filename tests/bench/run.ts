/** `npm run bench`: what rendering and answering cost, beside opponents that run in turn in the same minutes. */
import { answering } from './answering.ts';
import { rendering } from './rendering.ts';

await rendering();
await answering();
