import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { connectDevTools, type Params } from './devtools.ts';
import { stopProcess, temporaryFolder } from './processes.ts';
import { requireProgram } from './programs.ts';

export type ScreenshotOptions = {
  /** What the page's `prefers-color-scheme` sees. */
  readonly dark?: boolean;
  /** The width of the window in CSS pixels, 1280 by default. */
  readonly width?: number;
};

/** A command of the DevTools protocol to the loaded page. */
type Command = (method: string, params?: Params) => Promise<Params>;

/** No first-run page, no updates, no accounts, no proxy: the browser speaks to nobody but the page it is given. */
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--hide-scrollbars'],
  ...['--no-first-run', '--no-default-browser-check', '--disable-background-networking', '--disable-component-update'],
  ...['--disable-sync', '--disable-extensions', '--no-proxy-server', '--remote-debugging-pipe'],
];

/** The root of an XML document that a style sheet dresses is no HTML element and has no innerText. */
const seenText = 'document.body?.innerText ?? document.documentElement.textContent';

/** Milliseconds until the browser is killed. */
const patience = 45_000;

/** The text a person sees on the page: the loaded document without what CSS hides. */
export async function pageText(url: string): Promise<string> {
  return withPage(url, {}, async (command) => {
    const { result } = await command('Runtime.evaluate', { expression: seenText });
    return String(memberOf(result, 'value'));
  });
}

/** Writes a PNG of the whole page, not only of what fits the window. */
export async function screenshot(url: string, file: string, options: ScreenshotOptions = {}): Promise<void> {
  await withPage(url, options, async (command) => {
    const { data } = await command('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    await writeFile(file, Buffer.from(String(data), 'base64'));
  });
}

/** Opens the page in a browser with an empty profile, waits until it is loaded, and ends the browser afterwards. */
async function withPage<Result>(
  url: string,
  options: ScreenshotOptions,
  use: (command: Command) => Promise<Result>,
): Promise<Result> {
  const program = await requireProgram('chromium');
  const profile = await temporaryFolder('chromium');
  const browser = spawn(program, [...flags, `--user-data-dir=${profile.path}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => browser.kill('SIGKILL'), patience);
  try {
    const [, , , commands, messages] = browser.stdio;
    if (!(commands instanceof Writable && messages instanceof Readable)) throw new Error('chromium has no pipes');
    return await use(await open(url, options, commands, messages));
  } finally {
    clearTimeout(killer);
    await stopProcess(browser);
    await profile.remove();
  }
}

/** The address is opened only after the window has its width and colours, so that nothing is drawn twice. */
async function open(url: string, options: ScreenshotOptions, commands: Writable, messages: Readable): Promise<Command> {
  const devTools = connectDevTools(commands, messages);
  const { targetId } = await devTools.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await devTools.send('Target.attachToTarget', { targetId, flatten: true });
  const command: Command = (method, params) => devTools.send(method, params, String(sessionId));

  await command('Page.enable');
  await command('Emulation.setDeviceMetricsOverride', {
    width: options.width ?? 1280,
    height: 800,
    deviceScaleFactor: 1,
    mobile: false,
  });
  const scheme = options.dark === true ? 'dark' : 'light';
  await command('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });

  const loaded = devTools.next('Page.loadEventFired');
  // Where the address cannot be opened, nobody waits for it.
  loaded.catch(() => {});
  const { errorText } = await command('Page.navigate', { url });
  if (errorText !== undefined) throw new Error(`chromium could not open ${url}: ${errorText}`);
  await loaded;
  return command;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
