import { spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { connectDevTools } from './devtools.ts';
import { stopProcess, temporaryFolder } from './processes.ts';
import { requireProgram } from './programs.ts';

/** No first-run page, no updates, no accounts, no proxy: the browser speaks to nobody but the page it is given. */
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--hide-scrollbars'],
  ...['--no-first-run', '--no-default-browser-check', '--disable-background-networking', '--disable-component-update'],
  ...['--disable-sync', '--disable-extensions', '--no-proxy-server', '--window-size=1280,800'],
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--remote-debugging-pipe',
];

/** Milliseconds after which the browser hangs and is killed. */
const HANG = 120_000;

/** A page in a browser. */
export interface Page {
  /** The value of the expression, or of its promise, which JSON must be able to carry. Throws what the expression throws. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Clicks at a point of the window, as a reader does. */
  readonly click: (x: number, y: number) => Promise<void>;
}

/** Opens the page, and returns the value of the expression in it: see `Page`. */
export async function evaluate(url: string, expression: string): Promise<unknown> {
  return inPage(url, (page) => page.evaluate(expression));
}

/** Opens the page in a browser with an empty profile and a window of 1280 pixels, and uses it once it is loaded. */
export async function inPage<T>(url: string, use: (page: Page) => Promise<T>): Promise<T> {
  const program = await requireProgram('chromium');
  const profile = await temporaryFolder('chromium');
  const browser = spawn(program, [...flags, `--user-data-dir=${profile.path}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => browser.kill('SIGKILL'), HANG);
  try {
    const [, , , commands, messages] = browser.stdio;
    if (!(commands instanceof Writable && messages instanceof Readable)) throw new Error('chromium has no pipes');
    return await use(await openPage(commands, messages, url));
  } finally {
    clearTimeout(killer);
    await stopProcess(browser);
    await profile.remove();
  }
}

async function openPage(commands: Writable, messages: Readable, url: string): Promise<Page> {
  const devTools = connectDevTools(commands, messages);
  const { targetId } = await devTools.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await devTools.send('Target.attachToTarget', { targetId, flatten: true });
  const session = String(sessionId);
  await devTools.send('Page.enable', {}, session);
  const loaded = devTools.next('Page.loadEventFired');
  // Where the address cannot be opened, nobody waits for it.
  loaded.catch(() => {});
  const { errorText } = await devTools.send('Page.navigate', { url }, session);
  if (errorText !== undefined) throw new Error(`chromium could not open ${url}: ${errorText}`);
  await loaded;
  return {
    async evaluate(expression) {
      const parameters = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await devTools.send('Runtime.evaluate', parameters, session);
      if (exceptionDetails !== undefined) throw new Error(`chromium: ${memberOf(result, 'description')}`);
      return memberOf(result, 'value');
    },
    async click(x, y) {
      for (const type of ['mousePressed', 'mouseReleased']) {
        const button = { type, x, y, button: 'left', clickCount: 1 };
        await devTools.send('Input.dispatchMouseEvent', button, session);
      }
    },
  };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
