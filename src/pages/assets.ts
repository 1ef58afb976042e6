import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Publication } from '../config/publication.ts';

/** A file that pages load. Its address changes with its bytes, so that copies may be kept for ever. */
export interface Asset {
  /** Below the service's address, without a leading slash. */
  readonly path: string;
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Assets {
  readonly style: Asset;
  readonly script: Asset;
}

/** The folder of the addresses of all assets. */
export const ASSET_FOLDER = 'pages';
export const DEFAULT_ACCENT = '1a5f7a';

const known = new Map<string, Assets>();

/** The stylesheet and the script of a publication. The accent colour is the only value in the stylesheet. */
export function assetsOf({ accentColor = DEFAULT_ACCENT }: Pick<Publication, 'accentColor'>): Assets {
  const assets = known.get(accentColor) ?? {
    style: asset('style.css', 'text/css', `:root { --accent: #${accentColor}; }\n${fileText('style.css')}`),
    script: asset('copy.js', 'text/javascript', fileText('copy.js')),
  };
  known.set(accentColor, assets);
  return assets;
}

function fileText(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}

function asset(name: string, type: string, text: string): Asset {
  const bytes = Buffer.from(text);
  const digest = hash('sha256', bytes, 'base64url').slice(0, 12);
  const path = `${ASSET_FOLDER}/${name.replace('.', `-${digest}.`)}`;
  return { path, type: `${type}; charset=utf-8`, bytes };
}
