import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { createSigner, keyIdOf, type Signer } from './signature.ts';

/** Bytes of a file with a key. */
const LONGEST = 64 * 1024;
const MAKE_ONE = 'Make one with the command signing-key create FILE.';

/**
 * Reads the operator's key for signatures from a file that nobody else may read.
 *
 * @returns its text (PEM)
 *
 * @throws PublisherError `usage`
 */
export function readSigningKey(file: string): string {
  const { text, mode } = readKeyFile(file);
  requirePrivateKey(text, file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const rights = (mode & 0o777).toString(8).padStart(4, '0');
    throw new PublisherError(
      'usage',
      `Other users may use the signing key ${file}: its rights are ${rights}, and must be 0600 or 0400.`,
      { hint: `Run chmod 600 ${file}. If others have read it, make a new key.` },
    );
  }
  return text;
}

/** @throws PublisherError `usage` */
function requirePrivateKey(text: string, file: string): void {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw wrongKey(file, 'an Ed25519 private key in PEM without a password', MAKE_ONE);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw wrongKey(file, `an Ed25519 private key, not one of the type ${key.asymmetricKeyType}`, MAKE_ONE);
}

/** @param pem the text of a file that `readSigningKey` has read */
export function openSigner(pem: string): Signer {
  const key = createPrivateKey(pem);
  return createSigner(key, keyIdOf(createPublicKey(key)));
}

/** A public key with its name in signatures. */
export interface PublicKey {
  readonly key: KeyObject;
  readonly id: string;
  readonly pem: string;
}

/**
 * Reads the public half of the key in a file that `createSigningKey` has made.
 *
 * @throws PublisherError `usage`
 */
export function publicHalfOf(file: string): PublicKey {
  return readPublicHalf(file, 'the key that “signing-key create” made (Ed25519, PEM)', MAKE_ONE);
}

/**
 * Reads a public key, also from the file of the private one.
 *
 * @throws PublisherError `usage`
 */
export function readPublicKey(file: string): PublicKey {
  return readPublicHalf(file, 'an Ed25519 public key in PEM', 'The publisher prints it with signing-key show FILE.');
}

function readPublicHalf(file: string, rule: string, hint: string): PublicKey {
  try {
    return publicKeyIn(readKeyFile(file).text);
  } catch (error) {
    if (error instanceof PublisherError) throw error;
    throw wrongKey(file, rule, hint);
  }
}

function publicKeyIn(pem: string): PublicKey {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('another type of key');
  return { key, id: keyIdOf(key), pem: String(key.export({ type: 'spki', format: 'pem' })) };
}

/**
 * Makes a key, and writes it into a new file that only this user may read.
 *
 * @throws PublisherError `usage` for a file that is there, `unwritable_output`
 */
export function createSigningKey(file: string): PublicKey {
  const pem = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new PublisherError('usage', `${file} is there already, and a key is never replaced: choose another name.`);
    throw new PublisherError('unwritable_output', `${file} cannot be written: ${systemReason(error)}.`, {
      hint: 'Check the folder, its permissions and the room on its disk.',
      cause: error,
    });
  }
  return publicKeyIn(pem);
}

/** @throws PublisherError `usage` */
function readKeyFile(file: string): { readonly text: string; readonly mode: number } {
  let opened: number | undefined;
  try {
    opened = openSync(file, 'r');
    const { mode, size } = fstatSync(opened);
    if (size > LONGEST) throw wrongKey(file, 'a key in PEM, and no file of that size', MAKE_ONE);
    return { text: readFileSync(opened, 'utf8'), mode };
  } catch (error) {
    if (error instanceof PublisherError) throw error;
    throw new PublisherError('usage', `The key ${file} cannot be read: ${systemReason(error)}.`, {
      hint: 'Check the name of the file and its permissions.',
      cause: error,
    });
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

function wrongKey(file: string, rule: string, hint: string): PublisherError {
  return new PublisherError('usage', `${file} must have ${rule}.`, { hint });
}
