import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** An editor that talks to npm's `yaml-language-server`, as VS Code does. */
export interface Editor {
  /** What the editor underlines in a document, each with its line, from 1. */
  readonly problemsOf: (uri: string, text: string) => Promise<readonly string[]>;
  /** What the editor offers at a place of a document that `problemsOf` has opened. */
  readonly offers: (uri: string, line: number, character: number) => Promise<readonly string[]>;
  /** What the editor shows of the word at a place. */
  readonly explains: (uri: string, line: number, character: number) => Promise<string>;
  readonly close: () => Promise<void>;
}

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

interface Diagnostics {
  readonly uri: string;
  readonly diagnostics: readonly { readonly message: string; readonly range: { readonly start: { line: number } } }[];
}

const SETTINGS = { validate: true, completion: true, hover: true, schemaStore: { enable: false } };

export async function openEditor(): Promise<Editor> {
  const program = fileURLToPath(import.meta.resolve('yaml-language-server/bin/yaml-language-server'));
  const server = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = new Map<number | string, (result: unknown) => void>();
  const diagnosed = new Map<string, (found: Diagnostics['diagnostics']) => void>();
  let last = 0;

  const send = (message: object) => {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    server.stdin.write(body);
  };
  const ask = async (method: string, params: unknown): Promise<unknown> => {
    last += 1;
    const answer = Promise.withResolvers<unknown>();
    answers.set(last, answer.resolve);
    send({ id: last, method, params });
    return await answer.promise;
  };
  const receive = ({ id, method, params, result }: Message) => {
    if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = params as Diagnostics;
      diagnosed.get(uri)?.(diagnostics);
    } else if (method === undefined && id !== undefined) answers.get(id)?.(result);
    else if (id !== undefined)
      send({ id, result: method === 'workspace/configuration' ? configuration(params) : null });
  };
  readMessages(server.stdout, receive);

  await ask('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { configuration: true } },
  });
  send({ method: 'initialized', params: {} });
  // The server asks for its settings now, and answers this question when it has them.
  await ask('textDocument/codeLens', { textDocument: { uri: 'file:///none.yaml' } });
  const at = (uri: string, line: number, character: number) => ({
    textDocument: { uri },
    position: { line: line - 1, character },
  });

  return {
    async problemsOf(uri, text) {
      const found = Promise.withResolvers<Diagnostics['diagnostics']>();
      diagnosed.set(uri, found.resolve);
      send({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId: 'yaml', version: 1, text } } });
      return (await found.promise).map(({ message, range }) => `${range.start.line + 1}: ${message}`);
    },
    async offers(uri, line, character) {
      const list = (await ask('textDocument/completion', at(uri, line, character))) as { items: { label: string }[] };
      return list.items.map(({ label }) => label);
    },
    async explains(uri, line, character) {
      const hover = (await ask('textDocument/hover', at(uri, line, character))) as { contents: { value: string } };
      return hover.contents.value;
    },
    async close() {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    },
  };
}

function configuration(params: unknown): readonly unknown[] {
  const { items } = params as { items: readonly { section: string }[] };
  return items.map(({ section }) => (section === 'yaml' ? SETTINGS : null));
}

/** The messages of the protocol: a head with the length of the body, as in HTTP. */
function readMessages(stream: NodeJS.ReadableStream, receive: (message: Message) => void): void {
  let bytes = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const head = bytes.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: (\d+)/.exec(bytes.subarray(0, Math.max(0, head)).toString())?.[1]);
      const end = head + 4 + length;
      if (head < 0 || bytes.length < end) return;
      const body = bytes.subarray(head + 4, end).toString();
      bytes = bytes.subarray(end);
      receive(JSON.parse(body));
    }
  });
}
