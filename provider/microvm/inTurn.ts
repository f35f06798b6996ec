const last = new Map<string, Promise<unknown>>();

/** Does what has the same key one after the other, in this process. */
export function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(key) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(work);
  last.set(key, mine);
  const forget = () => {
    if (last.get(key) === mine) {
      last.delete(key);
    }
  };
  mine.then(forget, forget);
  return mine;
}
