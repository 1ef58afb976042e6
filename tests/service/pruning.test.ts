import { expect, test } from 'vitest';
import { formerMemberDays } from '../../src/service/pruning.ts';
import { partnerOf } from '../partner/partners.ts';

const days = (count: number) => partnerOf({ retention: count * 86_400_000 });

test.each([
  ['no partner', undefined, 400],
  ['partners with short retentions', [days(30), days(7)], 400],
  ['a partner whose retention is longer than the record of deliveries', [days(30), days(300)], 600],
])('what left feeds is kept for %s', (_, partners, expected) => {
  expect(formerMemberDays({ deliveryDays: 400, ...(partners && { partners }) })).toBe(expected);
});
