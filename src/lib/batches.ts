export interface BatchLimits {
  readonly count: number;
  /** A larger item is a batch of its own. */
  readonly size: number;
}

/** Divides items into batches, in their order. */
export function batchesOf<Item>(items: readonly Item[], sizeOf: (item: Item) => number, limits: BatchLimits): Item[][] {
  const batches: Item[][] = [];
  let batch: Item[] = [];
  let size = 0;
  for (const item of items) {
    const added = sizeOf(item);
    if (batch.length === limits.count || (batch.length > 0 && size + added > limits.size)) {
      batches.push(batch);
      batch = [];
      size = 0;
    }
    batch.push(item);
    size += added;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
