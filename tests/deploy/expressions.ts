import { parse } from 'yaml';
import { z } from 'zod';
import { textOf } from './files.ts';

export interface Expression {
  /** Where it is. */
  readonly name: string;
  /** PromQL. */
  readonly expression: string;
}

const alarms = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});

/** The conditions of all alarms. */
export function alertExpressions(): Expression[] {
  const { groups } = alarms.parse(parse(textOf('deploy/prometheus-alerts.yaml')));
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ name: alert, expression: expr })));
}

const dashboard = z.object({
  annotations: z.object({ list: z.array(z.object({ name: z.string(), expr: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.int(),
      title: z.string(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.object({ refId: z.string(), expr: z.string() })).min(1),
    }),
  ),
});

/** What each panel of the dashboard asks for, with values in the place of its variables. */
export function dashboardExpressions(): Expression[] {
  const { panels, annotations } = dashboard.parse(JSON.parse(textOf('deploy/grafana-dashboard.json')));
  const all = [
    ...panels.flatMap(({ title, targets }) => targets.map(({ refId, expr }) => ({ name: `${title} ${refId}`, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ name, expr })),
  ];
  return all.map(({ name, expr }) => ({
    name,
    expression: expr
      .replaceAll(/\$__(?:rate_)?interval/g, '5m')
      .replaceAll('$instance', '.*')
      .replaceAll('$job', 'feed-publisher'),
  }));
}
