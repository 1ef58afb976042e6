import { data, json, publicUrl } from './common-options.ts';
import type { Options } from './option.ts';
import { text } from './option-values.ts';
import { storageOptions } from './storage-options.ts';

/** The options of `export`. */
export const exportOptions = {
  site: {
    option: '--site',
    placeholder: 'TARGET',
    kind: text,
    defaultHelp: 'none',
    help: 'Write a static site into this folder, or into storage for objects: s3://BUCKET/PREFIX.',
  },
  data,
  publicUrl: { ...publicUrl, needs: '--site', help: 'Public address of the static site, for all links.' },
  json: { ...json, needs: '--site', help: 'Print the result as one line of JSON, for scripts.' },
  ...storageOptions,
} as const satisfies Options;
