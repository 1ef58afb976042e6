import type { Format } from '../feed/feeds.ts';
import { atom } from './atom.ts';
import { json } from './json.ts';
import type { Renderer } from './renderer.ts';
import { rss } from './rss.ts';

/** The renderer of each format. */
export const RENDERERS: Readonly<Record<Format, Renderer>> = { rss, atom, json };
