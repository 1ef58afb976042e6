/** Makes a value. `isAwaited` tells whether somebody waits for it by now. */
type Make<Value> = (isAwaited: () => boolean) => Promise<Value>;

interface Flight<Value, Background> {
  readonly value: Promise<Value>;
  readonly raisePriority: () => void;
  readonly background: Background | undefined;
}

interface SingleFlightParts<Value> {
  /** Whether a caller that joined a flight can use its value: the value may be outdated when it is made. */
  readonly isUsable: (value: Value) => boolean;
  /** Takes the value of a flight, unless the flight was abandoned. */
  readonly keep: (name: string, value: Value) => void;
}

interface SingleFlight<Value, Background> {
  /**
   * Makes the value of that name, or joins the flight that makes it already. A caller that waits raises the priority of
   * a flight in the background.
   *
   * @param background what `abandon` returns if nobody waits for the value; undefined if the caller waits
   * @throws whatever `make` throws, to everybody who joined
   */
  readonly run: (name: string, make: Make<Value>, background?: Background) => Promise<Value>;
  /**
   * Hides the flight of that name from later callers: its value goes only to those who joined it before.
   *
   * @returns its `background`
   */
  readonly abandon: (name: string) => Background | undefined;
  /** Raises the priority of all flights, even of abandoned ones. */
  readonly raisePriorities: () => void;
}

/** Makes each value once, however many callers ask for it at the same time. */
export function createSingleFlight<Value, Background>({
  isUsable,
  keep,
}: SingleFlightParts<Value>): SingleFlight<Value, Background> {
  const flights = new Map<string, Flight<Value, Background>>();
  let areAllAwaited = false;

  function begin(make: Make<Value>, background: Background | undefined): Flight<Value, Background> {
    let isAwaited = background === undefined;
    return {
      value: make(() => isAwaited || areAllAwaited),
      raisePriority: () => {
        isAwaited = true;
      },
      background,
    };
  }

  return {
    async run(name, make, background) {
      for (let flight = flights.get(name); flight !== undefined; flight = flights.get(name)) {
        if (background === undefined) flight.raisePriority();
        const value = await flight.value;
        if (isUsable(value)) return value;
      }
      const flight = begin(make, background);
      flights.set(name, flight);
      try {
        const value = await flight.value;
        if (flights.get(name) === flight) keep(name, value);
        return value;
      } finally {
        if (flights.get(name) === flight) flights.delete(name);
      }
    },
    abandon(name) {
      const background = flights.get(name)?.background;
      flights.delete(name);
      return background;
    },
    raisePriorities: () => {
      areAllAwaited = true;
    },
  };
}
