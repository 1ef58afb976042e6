import { hostname } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { startOf } from '../../lib/process-start.ts';
import type { Coverage, RecordingGap } from '../delivery-store.ts';

/** Milliseconds without a word, after which a process of another machine counts as ended. Each saves every second. */
const SILENCE = 10_000;
/** Milliseconds by which a delivery is recorded late at most. */
const LATE = 1000;

/** A process that has not said that it ends. */
interface OpenProcess {
  readonly id: number;
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  readonly saved: Instant;
}

/** The processes that record, each with the moment up to which it has recorded. A process that was killed leaves a gap. */
export function createProcesses(db: DatabaseSync) {
  const insert = db.prepare('INSERT INTO process (host, pid, started, begun, saved, clean) VALUES (?, ?, ?, ?, ?, 0)');
  // A process that counted as ended goes on: what it has kept in memory is recorded now, so that nothing is missing.
  // If somebody sets the clock back, this moment is earlier than the last one. A kill loses the deliveries after this moment.
  const save = db.prepare('UPDATE process SET saved = ?, ended = NULL, clean = 0 WHERE id = ?');
  const end = db.prepare('UPDATE process SET ended = max(saved, ?), clean = ? WHERE id = ?');
  const open = db.prepare('SELECT id, host, pid, started, saved FROM process WHERE ended IS NULL');
  const killed = db.prepare('SELECT saved, ended FROM process WHERE clean = 0 AND ended > ?');
  const lost = db.prepare('SELECT since, until FROM lost WHERE until > ?');

  function openProcesses(): OpenProcess[] {
    return open.all().map(({ id, host, pid, started, saved }) => ({
      id: Number(id),
      host: String(host),
      pid: Number(pid),
      started: String(started),
      saved: Number(saved),
    }));
  }

  return {
    /** Adds this process, and ends those that were killed before. Returns its number. */
    begin(now: Instant): number {
      for (const each of openProcesses()) if (!isAlive(each, now)) end.run(endOfGap(each, now), 0, each.id);
      const { lastInsertRowid } = insert.run(hostname(), process.pid, startOf(process.pid) ?? '', now, now);
      return Number(lastInsertRowid);
    },
    save: (id: number, through: Instant): void => void save.run(through, id),
    end: (id: number, now: Instant, isClean: boolean): void => void end.run(now, isClean ? 1 : 0, id),
    /** Whether a process records, or was killed and has no successor yet. */
    isRecording: (): boolean => open.get() !== undefined,
    coverage(after: Instant, now: Instant): Coverage {
      const gaps: RecordingGap[] = [];
      let through = now;
      for (const each of openProcesses()) {
        if (isAlive(each, now)) through = Math.min(through, each.saved);
        else gaps.push({ from: each.saved, to: endOfGap(each, now) }); // nobody knows yet when it ended
      }
      for (const { saved, ended } of killed.iterate(after)) gaps.push({ from: Number(saved), to: Number(ended) });
      for (const { since, until } of lost.iterate(after)) gaps.push({ from: Number(since), to: Number(until) });
      return { through, gaps: gaps.sort((one, other) => one.from - other.from) };
    },
  };
}

/** The end of what a killed process has not recorded. Where the clock was set back after the kill, the present is no end. */
function endOfGap({ saved }: OpenProcess, now: Instant): Instant {
  return now < saved ? saved + LATE : now;
}

/** Of this machine, a process is alive if it runs and is not a later one with the same number. */
function isAlive({ host, pid, started, saved }: OpenProcess, now: Instant): boolean {
  if (host !== hostname()) return now - saved <= SILENCE;
  const start = startOf(pid);
  if (start !== undefined) return start === started;
  return started === '' && isRunning(pid) && Math.abs(now - saved) <= SILENCE;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
