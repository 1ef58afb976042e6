import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { declarations, dialectLists, inOrder, namesText, registryText } from './lists.ts';

test.each([...dialectLists()])(
  '%s has every dialect of src/format/dialect: `npm run dialects` writes it',
  (path, text) => {
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);

test('a file that declares a dialect is all that the lists need', () => {
  const found = declarations(
    new Map([
      ['breaches.ts', 'export const isDialect = true;'],
      ['courier-2.ts', "import type { Dialect } from './dialect.ts';\n\nexport const courier2: Dialect = {\n};\n"],
      ['plain.ts', 'export const plain: Dialect = {};\n'],
    ]),
  );
  expect(found).toEqual([
    { name: 'courier-2', constant: 'courier2' },
    { name: 'plain', constant: 'plain' },
  ]);
  const names = "export const DIALECTS = [\n  'plain',\n  'ended',\n] as const;\nexport const OTHER = [];\n";
  const all = inOrder(found, names);
  expect(namesText(all, names)).toBe(
    "export const DIALECTS = [\n  'plain',\n  'courier-2',\n] as const;\nexport const OTHER = [];\n",
  );
  expect(registryText(all)).toContain("import { courier2 } from './courier-2.ts';\nimport type { Dialect }");
  expect(registryText(all)).toContain("  plain,\n  'courier-2': courier2,\n};\n");
});
