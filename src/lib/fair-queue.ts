/** Who an item belongs to: a client, and one of its connections. */
export interface Origin {
  readonly client: string;
  readonly connection: string;
}

/** Items that wait. */
export interface FairQueue<Item> {
  readonly add: (origin: Origin, item: Item) => void;
  /** Takes the next item of a client that may have one; undefined if there is none. */
  readonly take: (mayHave: (client: string) => boolean) => Item | undefined;
  /** Takes all items. */
  readonly clear: () => Item[];
}

/**
 * A queue that serves its clients in turn, and the connections of each client in turn, so that many items of one do not hold
 * up one of another. The items of a connection keep their order.
 */
export function createFairQueue<Item>(): FairQueue<Item> {
  // A map lists its keys in the order in which they were added: the key that was served last is added again.
  const clients = new Map<string, Map<string, Item[]>>();

  return {
    add({ client, connection }, item) {
      const connections = clients.get(client) ?? new Map<string, Item[]>();
      const items = connections.get(connection) ?? [];
      items.push(item);
      connections.set(connection, items);
      clients.set(client, connections);
    },
    take(mayHave) {
      for (const [client, connections] of clients) {
        if (!mayHave(client)) continue;
        const [first] = connections;
        if (first === undefined) continue;
        const [connection, items] = first;
        const item = items.shift();
        connections.delete(connection);
        if (items.length > 0) connections.set(connection, items);
        clients.delete(client);
        if (connections.size > 0) clients.set(client, connections);
        return item;
      }
      return undefined;
    },
    clear() {
      const all = [...clients.values()].flatMap((connections) => [...connections.values()].flat());
      clients.clear();
      return all;
    },
  };
}
