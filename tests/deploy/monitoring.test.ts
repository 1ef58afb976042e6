import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { measureReplica } from '../../src/telemetry/metrics.ts';
import { ask, dataFolder, start } from '../helpers.ts';
import { alertExpressions, dashboardExpressions } from './expressions.ts';
import { textOf } from './files.ts';

/** Names of PromQL that are no metrics. */
const WORDS = new Set(['by', 'or', 'and', 'unless', 'instance']);

/** The metrics that an expression of PromQL names. */
function metricsIn(expression: string): string[] {
  const bare = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').replaceAll(/\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)/g, '');
  const names = [...bare.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()/g)].map(([name]) => name);
  return names.filter((name) => !WORDS.has(name));
}

/** The metrics that a service has, with the series of its histograms. */
async function exposedMetrics(): Promise<ReadonlySet<string>> {
  const folder = await dataFolder({ 'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [latest]\n' });
  const { metricsPort = 0 } = await start(folder, { metrics: { host: '127.0.0.1', port: 0, isRequired: true } });
  const { text } = await ask(metricsPort, '/metrics');
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const names = types.flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
  );
  return new Set([...names, ...replicaMetrics(), 'up']); // Prometheus itself has “up”
}

function replicaMetrics(): string[] {
  const names: string[] = [];
  const place = { applied: 0, last: 0, lag: 0, silence: 0, clockOffset: 0 };
  const state = { ...place, isConnected: true, isOwner: false, problem: undefined };
  measureReplica(
    (name) => names.push(`feed_publisher_${name}`),
    () => state,
  );
  return names;
}

test('the metrics of an expression are found', () => {
  expect(metricsIn('sum by (le) (rate(a_bucket{b="c"}[5m])) > 1e9 or time() - max(d{e=~"f"}) > 0.1')).toEqual([
    'a_bucket',
    'd',
  ]);
});

test('every metric of the alarms and of the dashboard is one that the service has', async () => {
  const exposed = await exposedMetrics();
  const used = [...alertExpressions(), ...dashboardExpressions()]
    .map(({ expression }) => expression)
    .flatMap(metricsIn);

  expect(used.length).toBeGreaterThan(30);
  expect([...new Set(used)].filter((name) => !exposed.has(name))).toEqual([]);
});

describe('the alarms', () => {
  const rule = z.strictObject({
    alert: z.string().regex(/^FeedPublisher[A-Z]\w+$/),
    expr: z.string(),
    for: z.string().optional(),
    labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
    annotations: z.strictObject({ summary: z.string(), description: z.string() }),
  });
  const alarms = z.strictObject({
    groups: z.tuple([z.strictObject({ name: z.string(), rules: z.array(rule) })]),
  });

  test('say what is wrong, and what to do', () => {
    const [{ rules }] = alarms.parse(parse(textOf('deploy/prometheus-alerts.yaml'))).groups;
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { annotations } of rules) {
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.description).toMatch(/\.$/);
    }
  });

  test('are all on the page', () => {
    const page = textOf('docs/monitor.md');
    const [{ rules }] = alarms.parse(parse(textOf('deploy/prometheus-alerts.yaml'))).groups;
    expect(rules.filter(({ alert }) => !page.includes(`\`${alert}\``)).map(({ alert }) => alert)).toEqual([]);
  });
});
