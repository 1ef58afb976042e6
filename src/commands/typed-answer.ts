import type { Terminal } from './terminal.ts';

/** Questions to a person at a keyboard. */
export interface Questions {
  /** Returns the answer; undefined after Ctrl-C, Ctrl-D, or the end of the input. Lines that were typed before count. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly close: () => void;
}

export async function openQuestions(keyboard: NodeJS.ReadableStream, screen: Terminal['screen']): Promise<Questions> {
  const { createInterface } = await import('node:readline'); // most commands ask nothing
  const prompt = createInterface({ input: keyboard, output: screen });
  let isClosed = false;
  prompt.once('close', () => {
    isClosed = true;
  });
  const lines = prompt[Symbol.asyncIterator]();
  return {
    async ask(question) {
      prompt.setPrompt(question);
      if (isClosed) screen.write(question);
      else prompt.prompt();
      const { done, value } = await lines.next();
      return done === true ? undefined : value.trim();
    },
    close: () => prompt.close(),
  };
}

/** Asks one question. Returns the answer; empty after Ctrl-C, Ctrl-D, or the end of the input. */
export async function typedAnswer(
  question: string,
  keyboard: NodeJS.ReadableStream,
  screen: Terminal['screen'],
): Promise<string> {
  const questions = await openQuestions(keyboard, screen);
  try {
    return (await questions.ask(question)) ?? '';
  } finally {
    questions.close();
  }
}
