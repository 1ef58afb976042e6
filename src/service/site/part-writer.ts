import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { EncodedBody } from '../../document/encoded-body.ts';
import { secondOf } from '../../document/representation.ts';
import {
  FORM_CODINGS,
  FORM_ENDINGS,
  filesOf,
  modifiedSecond,
  type PartDocuments,
  type SiteDocument,
} from '../../document/site-manifest.ts';
import { PublisherError } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { FileContent, SiteTarget, TargetFile } from './site-target.ts';

/** A document as it is made. */
export interface MadeDocument {
  /** Of its file, below the root of the site. */
  readonly path: string;
  readonly type: string;
  /** For Cache-Control. */
  readonly caching: string;
  /** Its bytes, also in codings; or a file, which has none. */
  readonly body: EncodedBody | { readonly source: string; readonly size: number };
  /** By default, one of the digest. */
  readonly etag?: string | undefined;
  readonly changedAt?: Instant | undefined;
}

/** The documents of a part of the manifest, while they are written. */
export interface PartWriter {
  /** As the last export wrote them. */
  readonly known: PartDocuments;
  /** Writes a document, unless the target has it already. */
  readonly put: (document: MadeDocument) => Promise<void>;
  /** Keeps a document as it is in the target. */
  readonly keep: (path: string) => void;
  readonly keepAll: () => void;
  /** Lists the documents that were put or kept. The others are removed at the end of the export. */
  readonly finish: () => Promise<void>;
}

interface PartWriterParts {
  readonly target: Pick<SiteTarget, 'write' | 'remove'>;
  /** Whether the files of the target are those that are known. If not, every document that is put is written. */
  readonly isTrusted: boolean;
  readonly now: () => Instant;
  /** Called before a document is touched. */
  readonly touch: (path: string) => Promise<void>;
  /** Called with the bytes that were written, in all codings. */
  readonly onWritten: (bytes: number) => void;
  /** Takes a file that the target cannot have, because its name is too long. */
  readonly onTooLong: (path: string) => void;
  /** Called with what the part has from now on. */
  readonly finish: (listed: PartDocuments) => Promise<void>;
}

/** Writes those documents of a part that are not in the target yet. */
export function createPartWriter(known: PartDocuments, parts: PartWriterParts): PartWriter {
  const { target, isTrusted, now, touch, onWritten, onTooLong } = parts;
  const listed = new Map<string, SiteDocument>();

  /** A server makes its tags of date and size: two versions need different dates. */
  function modifiedAt({ changedAt }: MadeDocument, before: SiteDocument | undefined): Instant {
    const isSame = changedAt !== undefined && isTrusted && before?.lastModified === modifiedSecond(changedAt);
    return changedAt === undefined || isSame ? secondOf(now()) : secondOf(changedAt);
  }

  async function put(document: MadeDocument): Promise<void> {
    const { path, type, caching, body } = document;
    const before = known.get(path);
    const content = 'identity' in body ? body.identity : body;
    const sha256 = await digestOf(content);
    if (isTrusted && before?.sha256 === sha256 && before.type === type) {
      listed.set(path, redated(before, document));
      return;
    }
    const forms = 'identity' in body ? await formsOf(path, body) : [];
    const files: TargetFile[] = [...forms, { file: path, coding: 'identity', content, sha256 }];
    const paths = new Set(files.map(({ file }) => file));
    const obsolete = before === undefined ? [] : filesOf(before).filter((file) => !paths.has(file));
    await touch(path);
    try {
      await target.write({ type, caching, modifiedAt: modifiedAt(document, before), files, obsolete });
    } catch (error) {
      if (!isTooLong(error)) throw error;
      // Names with an ending for a coding differ in length: some of the files may be there.
      await target.remove(filesOf({ path, codings: FORM_CODINGS }));
      return onTooLong(path);
    }
    onWritten(files.reduce((sum, file) => sum + sizeOf(file.content), 0));
    listed.set(path, entryOf(document, sha256, forms));
  }

  function keep(path: string): void {
    const document = known.get(path);
    if (document !== undefined) listed.set(path, document);
  }

  return {
    known,
    put,
    keep,
    keepAll() {
      for (const path of known.keys()) keep(path);
    },
    finish: () => parts.finish(listed),
  };
}

/** The codings of a document that make it smaller. */
async function formsOf(path: string, body: EncodedBody): Promise<TargetFile[]> {
  const forms = await Promise.all(
    FORM_CODINGS.map(async (coding) => {
      const content = await body.bytes(coding);
      return { file: path + FORM_ENDINGS[coding], coding, content, sha256: hash('sha256', content, 'hex') };
    }),
  );
  return forms.filter(({ content }) => content.length < body.identity.length);
}

function entryOf(
  { path, type, body, etag, changedAt }: MadeDocument,
  sha256: string,
  forms: readonly TargetFile[],
): SiteDocument {
  const codings = new Set<string>(forms.map(({ coding }) => coding));
  return omitUndefined({
    path,
    type,
    bytes: sizeOf('identity' in body ? body.identity : body),
    sha256,
    etag: etag ?? `"${sha256.slice(0, 16)}"`,
    lastModified: changedAt === undefined ? undefined : modifiedSecond(changedAt),
    codings: FORM_CODINGS.filter((coding) => codings.has(coding)),
  });
}

/** The entry of a document that stays as it is in the target. Its date tells the next export that it was looked at. */
function redated(before: SiteDocument, { changedAt }: MadeDocument): SiteDocument {
  return changedAt === undefined ? before : { ...before, lastModified: modifiedSecond(changedAt) };
}

function sizeOf(content: FileContent): number {
  return Buffer.isBuffer(content) ? content.length : content.size;
}

async function digestOf(content: FileContent): Promise<string> {
  if (Buffer.isBuffer(content)) return hash('sha256', content, 'hex');
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(content.source)) digest.update(chunk);
  return digest.digest('hex');
}

/** Of the system, or of storage for objects. */
function isTooLong(error: unknown): boolean {
  if (error instanceof PublisherError) return error.code === 'too_large';
  return error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG';
}
