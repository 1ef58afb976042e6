import { once } from 'node:events';
import type { Terminal } from './terminal.ts';

/** Asks a person at a keyboard. Returns the answer; empty after Ctrl-C, Ctrl-D, or the end of the input. */
export async function typedAnswer(
  question: string,
  keyboard: NodeJS.ReadableStream,
  screen: Terminal['screen'],
): Promise<string> {
  const { createInterface } = await import('node:readline/promises'); // most commands ask nothing
  const lines = createInterface({ input: keyboard, output: screen });
  try {
    const nothing = once(lines, 'close').then(() => ''); // the end of the input is no answer
    return (await Promise.race([lines.question(question), nothing])).trim();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return ''; // Ctrl-C or Ctrl-D
    throw error;
  } finally {
    lines.close();
  }
}
