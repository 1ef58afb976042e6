/** A terminal, and some service managers, signal every process of a group. The process that started this one decides when it stops. */
export function ignoreSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.removeAllListeners(signal).on(signal, () => {});
}
