import type { Readable, Writable } from 'node:stream';

type Params = Readonly<Record<string, unknown>>;

/** A connection by the Chrome DevTools Protocol over a pair of pipes: JSON messages, each ended by a NUL. */
type DevTools = {
  /** Sends a command, to a page by its session or to the browser, and returns the result. Throws when it is refused or the browser is gone. */
  readonly send: (method: string, params?: Params, sessionId?: string) => Promise<Params>;
  /** Waits for the next event of this name. Throws when the browser is gone. */
  readonly next: (event: string) => Promise<Params>;
};

type Waiting = {
  readonly key: number | string;
  readonly resolve: (params: Params) => void;
  readonly reject: (error: Error) => void;
};

export function connectDevTools(commands: Writable, messages: Readable): DevTools {
  const waiting = new Set<Waiting>();
  let lastId = 0;
  let unread = '';

  function wait(key: number | string): Promise<Params> {
    return new Promise((resolve, reject) => waiting.add({ key, resolve, reject }));
  }

  function receive(text: string): void {
    const { id, method, params, result, error } = JSON.parse(text);
    for (const each of [...waiting].filter(({ key }) => key === (id ?? method))) {
      waiting.delete(each);
      if (error) each.reject(new Error(`chromium: ${error.message}`));
      else each.resolve(result ?? params ?? {});
    }
  }

  messages.setEncoding('utf8');
  messages.on('data', (chunk: string) => {
    const parts = (unread + chunk).split('\0');
    unread = parts.pop() ?? '';
    parts.forEach(receive);
  });
  messages.on('close', () => {
    for (const { reject } of waiting) reject(new Error('chromium ended before it answered'));
    waiting.clear();
  });
  // The browser may be gone when a command is written. Then the message pipe closes, which rejects the command.
  commands.on('error', () => {});

  return {
    send(method, params = {}, sessionId = undefined) {
      lastId += 1;
      const answer = wait(lastId);
      commands.write(`${JSON.stringify({ id: lastId, method, params, sessionId })}\0`);
      return answer;
    },
    next: wait,
  };
}
