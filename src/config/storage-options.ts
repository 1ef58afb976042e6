import type { Options } from './option.ts';
import { text, webAddress } from './option-values.ts';

/** Where storage for objects is, and the key that opens it. */
export interface StorageSettings {
  /** Of another storage than that of AWS, ending in a slash. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  readonly token: string | undefined;
}

/** The variables of every command that writes into storage for objects. */
export const storageOptions = {
  s3Endpoint: {
    placeholder: 'URL',
    variable: 'AWS_ENDPOINT_URL',
    kind: webAddress,
    defaultHelp: 'that of AWS in the region',
    help: 'Address of another S3-compatible storage than that of AWS. Buckets are the first part of its paths.',
    group: 'Storage for objects',
  },
  s3Region: {
    placeholder: 'NAME',
    variable: 'AWS_REGION',
    kind: text,
    default: 'us-east-1',
    help: 'Region of the bucket. Storages without regions take any.',
    group: 'Storage for objects',
  },
  s3KeyId: {
    placeholder: 'ID',
    variable: 'AWS_ACCESS_KEY_ID',
    isSecret: true,
    kind: text,
    help: 'Id of the key that may list, read, write and delete objects below the prefix.',
    group: 'Storage for objects',
  },
  s3Secret: {
    placeholder: 'SECRET',
    variable: 'AWS_SECRET_ACCESS_KEY',
    isSecret: true,
    kind: text,
    help: 'The key itself.',
    group: 'Storage for objects',
  },
  s3Token: {
    placeholder: 'TOKEN',
    variable: 'AWS_SESSION_TOKEN',
    isSecret: true,
    kind: text,
    help: 'Token of a key that is valid for a while.',
    group: 'Storage for objects',
  },
} as const satisfies Options;
