import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A setting of a systemd unit. Throws if it is missing, or there several times. */
export function settingOf(unit: string, name: string): string {
  const values = unit.split('\n').filter((line) => line.startsWith(`${name}=`));
  const [value = ''] = values;
  if (values.length !== 1) throw new Error(`the unit has ${name} ${values.length} times`);
  return value.slice(name.length + 1);
}
