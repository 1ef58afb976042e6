import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Bench } from '../delivery.ts';
import { figure, median, print, printTable } from '../figures.ts';
import { copySample, PATH } from '../sample.ts';
import { withService } from '../service.ts';

const TIMES = 5;

const LEVELS: readonly [
  coding: string,
  levels: readonly number[],
  compress: (bytes: Buffer, level: number) => Buffer,
][] = [
  ['gzip', [1, 6, 9], (bytes, level) => gzipSync(bytes, { level })],
  ['zstd', [1, 3, 6, 9, 12, 15, 17, 19], zstd],
  ['br', [4, 5, 6, 7, 8, 9, 10, 11], br],
];

/** What each level of compression saves of the sample feed, and what it takes: to choose where saving stops paying. */
export async function codings({ folder }: Bench): Promise<void> {
  const { body } = await withService(await copySample(folder), ({ ask }) => ask(PATH));
  const rows: string[][] = [];
  for (const [coding, levels, compress] of LEVELS) {
    let before: { readonly length: number; readonly milliseconds: number } | undefined;
    for (const level of levels) {
      const { length } = compress(body, level);
      const milliseconds = median(Array.from({ length: TIMES }, () => timed(() => compress(body, level))));
      const saved = before === undefined ? Number.NaN : before.length - length;
      const longer = milliseconds - (before?.milliseconds ?? 0);
      rows.push([
        `${coding} ${level}`,
        figure(length),
        figure(length / body.length, 3),
        figure(milliseconds, 1),
        figure(saved),
        longer > 0 ? figure(saved / longer) : '–',
      ]);
      before = { length, milliseconds };
    }
  }
  print(`\nThe sample feed, ${body.length} bytes, compressed (median of ${TIMES})`);
  printTable([['', 'bytes', 'of it', 'ms', 'fewer bytes', 'a ms more'], ...rows]);
}

function zstd(bytes: Buffer, level: number): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

function br(bytes: Buffer, level: number): Buffer {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: level,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
