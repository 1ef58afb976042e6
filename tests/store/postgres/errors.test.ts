import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { databaseError } from '../../../src/store/postgres/errors.ts';

function errorOf(code: string, message: string): unknown {
  return Object.assign(new DatabaseError(message, message.length, 'error'), { code, severity: 'FATAL' });
}

const ADDRESS = 'DATABASE_URL or --database-url';

test.each<[string, string, string, string]>([
  [
    '28P01',
    'password authentication failed for user "feeds"',
    'The database refuses the user or the password.',
    `Check both in ${ADDRESS}, and the rules in pg_hba.conf of the database (password authentication failed for user "feeds").`,
  ],
  [
    '3D000',
    'database "nosuch" does not exist',
    'The server has no database of this name.',
    `Check the name at the end of ${ADDRESS}, or create the database (database "nosuch" does not exist).`,
  ],
  [
    '42501',
    'permission denied for database feeds',
    'The database refuses a statement: no part of the change was kept.',
    'Check that the user of the database may create and use the schema feed_publisher (permission denied for database feeds).',
  ],
])('the condition %s says what is wrong, and what to do', (code, reason, message, hint) => {
  expect(databaseError(errorOf(code, reason))).toMatchObject({ code: 'store_unavailable', message, hint });
});
