import { data, databaseUrl, json, publicUrl, since, yes } from './common-options.ts';
import { exportOptions } from './export-options.ts';
import { importOptions } from './import-options.ts';
import type { Options } from './option.ts';
import { choice, ending, integer, onOff, text } from './option-values.ts';
import { healthcheckOptions, serveOptions } from './serve-options.ts';

/** Every command with its options, in the order of the help. */
export const OPTIONS = {
  serve: serveOptions,
  init: {
    title: {
      option: '--title',
      placeholder: 'TEXT',
      kind: text,
      defaultHelp: 'made of the name of the folder',
      help: 'Title of the publication.',
    },
    url: {
      option: '--url',
      placeholder: 'URL',
      kind: text,
      defaultHelp: 'https://www.example.com, a placeholder',
      help: 'Address of the newspaper’s own site.',
    },
    language: {
      option: '--language',
      placeholder: 'TAG',
      kind: text,
      defaultHelp: 'en',
      help: 'Language of articles that name none, as en, ckb or pt-BR.',
    },
  },
  import: importOptions,
  export: exportOptions,
  erase: {
    data,
    databaseUrl,
    yes,
  },
  key: {
    name: {
      option: '--name',
      placeholder: 'NAME',
      kind: text,
      help: 'Owner of the key, so that you can tell keys apart.',
    },
    scope: {
      option: '--scope',
      placeholder: 'SCOPE',
      kind: choice(['read', 'write']),
      defaultHelp: 'write',
      help: 'read or write. A write key can also read. Not for a key of a partner, which opens its feeds alone.',
    },
    partner: {
      option: '--partner',
      placeholder: 'ID',
      kind: text,
      help: 'Partner whose feeds the key opens: the name of its file in partners/, without .yaml.',
    },
    expires: {
      option: '--expires',
      placeholder: 'WHEN',
      kind: ending,
      help: 'End of the key: a day in UTC, a moment, or a number of days from now.',
    },
    data,
    databaseUrl,
  },
  outbox: {
    data,
    databaseUrl,
    json: {
      option: '--json',
      kind: onOff,
      default: 'off',
      help: 'Print the list as one line of JSON, for scripts.',
    },
  },
  verify: {
    data,
    json: {
      option: '--json',
      kind: onOff,
      default: 'off',
      help: 'Print the result as one line of JSON, for scripts.',
    },
  },
  repair: {
    data,
    yes,
  },
  backup: { data },
  restore: { data: { ...data, help: 'Data folder to restore into. It must be missing or empty.' } },
  check: {
    diff: {
      option: '--diff',
      placeholder: 'FILE',
      kind: text,
      defaultHelp: 'none',
      help: 'A new publication.yaml, to see what it would do.',
    },
    config: {
      option: '--config',
      kind: onOff,
      default: 'off',
      help: 'Check the configuration alone: publication.yaml, redirects.txt and the variables of the service.',
    },
    redirects: {
      option: '--redirects',
      placeholder: 'FILE',
      kind: text,
      defaultHelp: 'none',
      help: 'List of old addresses, one a line, or access log of the old site; it may be compressed (.gz).',
    },
    failOn: {
      option: '--fail-on',
      placeholder: 'LEVEL',
      kind: choice(['error', 'warning']),
      defaultHelp: 'error',
      help: 'Lowest level of a finding that makes the exit code 1: error or warning.',
    },
    publicUrl: {
      ...publicUrl,
      defaultHelp: 'that of the last start',
      help: 'Public address of the service. Self links of feeds are compared with it, and --diff takes it in the place of feedsUrl.',
    },
    data,
    json: {
      option: '--json',
      kind: onOff,
      default: 'off',
      help: 'Print the result as JSON, for scripts: all findings, one a line.',
    },
  },
  deliveries: {
    since: {
      ...since,
      defaultHelp: 'all that are recorded',
      help: 'Only deliveries since this time.',
    },
    limit: {
      option: '--limit',
      placeholder: 'NUMBER',
      kind: integer(1, 1_000_000),
      default: '100',
      help: 'Most deliveries to show, the newest.',
    },
    data,
    json: { ...json, help: 'Print each delivery as a line of JSON, for scripts.' },
  },
  withdrawals: {
    partner: {
      option: '--partner',
      placeholder: 'ID',
      kind: text,
      defaultHelp: 'all partners',
      help: 'Only the receipts of this partner: the name of its file in partners/ without .yaml.',
    },
    since: { ...since, default: '30d', help: 'Only withdrawals and corrections since this time.' },
    data,
    json: { ...json, help: 'Print each withdrawal with its receipts as a line of JSON, for scripts.' },
  },
  'verify-delivery': {
    key: {
      option: '--key',
      placeholder: 'FILE',
      kind: text,
      defaultHelp: 'none',
      help: 'File with the public key of the publisher (PEM). Without it, the signature is not checked.',
    },
    json: { ...json, help: 'Print the result as one line of JSON, for scripts.' },
  },
  'signing-key': {},
  healthcheck: healthcheckOptions,
  migrate: {
    data,
    databaseUrl,
    noBackup: {
      option: '--no-backup',
      kind: onOff,
      default: 'off',
      help: 'Make no copy of the store first: for those who have a backup, or no room.',
    },
  },
  store: {
    data,
    databaseUrl: { ...databaseUrl, defaultHelp: 'none, and it must be given' },
  },
} as const satisfies Readonly<Record<string, Options>>;
