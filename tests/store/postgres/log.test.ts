import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from '../../../src/store/operations.ts';
import { encodeOperation } from '../../../src/store/postgres/codec.ts';
import { withSession } from '../../../src/store/postgres/connection.ts';
import { append, beginWriting, createLog, readAfter, readOperation } from '../../../src/store/postgres/log.ts';
import { type Cluster, startCluster } from '../../peers/postgres.ts';
import { findProgram } from '../../peers/programs.ts';

const FORMAT = 1;
const idOf = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
const [ONE, OTHER, replica] = [idOf(1), idOf(2), idOf(3)];
const operation = (value: string): Operation => ({ name: 'saveSetting', at: 0, args: ['name', value] });

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';
let cluster: Cluster;
beforeAll(async () => {
  if (isThere) cluster = await startCluster();
});
afterAll(() => cluster?.close());

describe.runIf(isThere)('the log in PostgreSQL', () => {
  test('is read without what the reading process has appended, which it has', async () => {
    const read = await withSession(await cluster.createDatabase(), async (session) => {
      await createLog(session, FORMAT);
      for (const [id, value] of [
        [ONE, 'a'],
        [OTHER, 'b'],
        [ONE, 'c'],
      ] as const) {
        await beginWriting(session, { id, session: 1 });
        const body = encodeOperation(operation(value));
        const appended = [{ token: `${id}/${value}`, body, isErasure: false }];
        await append(session, { writer: { id, session: 1 }, replica, format: FORMAT }, appended);
      }
      return { after: await readAfter(session, 0, `${ONE}/`), first: await readOperation(session, 1) };
    });

    expect(read.after).toEqual([
      { position: 1, token: `${ONE}/a`, replica, operation: undefined },
      { position: 2, token: `${OTHER}/b`, replica, operation: operation('b') },
      { position: 3, token: `${ONE}/c`, replica, operation: undefined },
    ]);
    expect(read.first).toEqual({ position: 1, token: `${ONE}/a`, replica, operation: operation('a') });
  });

  test('names an operation that it does not have', async () => {
    const read = withSession(await cluster.createDatabase(), async (session) => {
      await createLog(session, FORMAT);
      return await readOperation(session, 7);
    });
    await expect(read).rejects.toMatchObject({ code: 'store_unavailable', message: 'The log has no operation 7.' });
  });
});
