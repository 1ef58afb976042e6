import { crc32, constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { PublisherError } from '../../errors.ts';
import type { JsonText } from '../../lib/json.ts';
import type { Operation } from '../operations.ts';
import type { Change, Put, StoredKey } from '../store.ts';

/** Bytes from which a body is compressed. */
const MIN_COMPRESSED = 512;
/** How many bytes an operation may have: a bulk request of stories has a hundredth of it. */
const MAX_BYTES = 512 * 1024 * 1024;
/** Level 1 takes a millisecond for a megabyte of stories, and leaves a quarter of it. */
const COMPRESSION = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } };
/** What is expected of compression, with room to spare: the result is in one piece, or Node joins many of 16 kB. */
const [LEFT, GROWTH] = [1 / 2, 6];
const [SMALLEST_PIECE, LARGEST_PIECE] = [16 * 1024, 32 * 1024 * 1024];

const PLAIN = 0;
const COMPRESSED = 1;
/** A body: one of the two kinds, the checksum of the rest, and the rest. */
const HEAD_BYTES = 5;

/** The texts of a put, by their lengths in the bytes behind the JSON. */
interface PutTexts {
  readonly article: number;
  readonly record: number;
}

/** An operation as bytes. The texts of articles stand behind the JSON as they are. */
export function encodeOperation(operation: Operation): Buffer {
  const texts: Buffer[] = [];
  const json = Buffer.from(JSON.stringify(plainOperation(operation, texts)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const plain = Buffer.concat([length, json, ...texts]);
  const isCompressed = plain.length >= MIN_COMPRESSED;
  const rest = isCompressed
    ? zstdCompressSync(plain, { ...COMPRESSION, chunkSize: pieceOf(plain.length * LEFT) })
    : plain;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(isCompressed ? COMPRESSED : PLAIN);
  head.writeUInt32LE(crc32(rest), 1);
  return Buffer.concat([head, rest]);
}

/** @throws PublisherError `store_unavailable` where the bytes are not those of `encodeOperation` */
export function decodeOperation(body: Buffer, position: number): Operation {
  const rest = body.subarray(HEAD_BYTES);
  if (body.length < HEAD_BYTES || crc32(rest) !== body.readUInt32LE(1)) throw damagedOperation(position);
  const plain = body.readUInt8() === COMPRESSED ? decompressed(rest) : rest;
  const end = 4 + plain.readUInt32LE();
  const operation = JSON.parse(plain.toString('utf8', 4, end)) as Operation;
  return completeOperation(operation, plain.subarray(end));
}

function decompressed(bytes: Buffer): Buffer {
  return zstdDecompressSync(bytes, { maxOutputLength: MAX_BYTES, chunkSize: pieceOf(bytes.length * GROWTH) });
}

function pieceOf(bytes: number): number {
  return Math.min(LARGEST_PIECE, Math.max(SMALLEST_PIECE, Math.ceil(bytes)));
}

function damagedOperation(position: number): PublisherError {
  return new PublisherError('store_unavailable', `Operation ${position} of the log does not match its checksum.`, {
    hint: 'Restore the database, or move the store of a replica that has the operation into a new one: docs/replicas.md has the steps.',
  });
}

function plainOperation(operation: Operation, texts: Buffer[]): object {
  if (operation.name === 'apply') {
    const [changes] = operation.args;
    return {
      ...operation,
      args: [changes.map((change) => (change.kind === 'put' ? plainPut(change, texts) : change))],
    };
  }
  if (operation.name === 'createKey') {
    const [key] = operation.args;
    return { ...operation, args: [{ ...key, hash: Buffer.from(key.hash).toString('base64') }] };
  }
  return operation;
}

function plainPut({ article: { text, ...article }, record, ...put }: Put, texts: Buffer[]): object {
  const [ofArticle, ofRecord] = [bytesOf(text), bytesOf(record)];
  texts.push(ofArticle, ofRecord);
  const lengths: PutTexts = { article: ofArticle.length, record: ofRecord.length };
  return { ...put, article, texts: lengths };
}

function bytesOf(json: JsonText): Buffer {
  return typeof json === 'string' ? Buffer.from(json) : Buffer.from(json.buffer, json.byteOffset, json.length);
}

function completeOperation(operation: Operation, texts: Buffer): Operation {
  if (operation.name === 'apply') {
    const next = reader(texts);
    return { ...operation, args: [operation.args[0].map((change) => completeChange(change, next))] };
  }
  if (operation.name === 'createKey') {
    const [key]: readonly StoredKey[] = operation.args;
    if (key === undefined) return operation;
    return { ...operation, args: [{ ...key, hash: new Uint8Array(Buffer.from(String(key.hash), 'base64')) }] };
  }
  return operation;
}

/** Returns the next bytes with each call. */
function reader(bytes: Buffer): (length: number) => Buffer {
  let start = 0;
  return (length) => {
    start += length;
    return bytes.subarray(start - length, start);
  };
}

function completeChange(change: Change, next: (length: number) => Buffer): Change {
  if (!hasTexts(change)) return change;
  const { texts, article, ...put } = change;
  const text = next(texts.article);
  return { ...put, article: { ...article, text }, record: next(texts.record) };
}

function hasTexts(change: Change): change is Put & { readonly texts: PutTexts } {
  return change.kind === 'put' && 'texts' in change;
}
