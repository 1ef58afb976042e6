import type { Option } from './option.ts';
import { databaseAddress, onOff, pastMoment, text, webAddress } from './option-values.ts';

export const data = {
  option: '--data',
  placeholder: 'FOLDER',
  variable: 'DATA_DIR',
  kind: text,
  default: 'data',
  help: 'Data folder with publication.yaml, articles/, media/ and store/.',
} as const satisfies Option;

export const databaseUrl = {
  option: '--database-url',
  placeholder: 'URL',
  variable: 'DATABASE_URL',
  kind: databaseAddress,
  defaultHelp: 'none: the store is on this machine alone',
  emptyIsDefault: true,
  isSecret: true,
  help: 'PostgreSQL database that several machines share. Each is a replica.',
  group: 'Replicas',
} as const satisfies Option;

export const publicUrl = {
  option: '--public-url',
  placeholder: 'URL',
  variable: 'PUBLIC_URL',
  kind: webAddress,
  defaultHelp: 'feedsUrl in publication.yaml',
  emptyIsDefault: true,
  help: 'Public address of the service, for all links. Without it, localhost replaces a name for examples, such as feeds.example.com.',
} as const satisfies Option;

export const sanitizeFastPath = {
  option: '--sanitize-fast-path',
  placeholder: 'on|off',
  variable: 'SANITIZE_FAST_PATH',
  kind: onOff,
  default: 'on',
  help: 'Clean ordinary HTML without the parser of sanitize-html. The result is the same.',
  group: 'Fast paths',
} as const satisfies Option;

export const since = {
  option: '--since',
  placeholder: 'TIME',
  kind: pastMoment,
  help: '',
} as const satisfies Option;

export const json = {
  option: '--json',
  kind: onOff,
  default: 'off',
  help: '',
} as const satisfies Option;

export const yes = {
  option: '--yes',
  kind: onOff,
  default: 'off',
  help: 'Do not ask. Without a terminal, the command never asks.',
} as const satisfies Option;
