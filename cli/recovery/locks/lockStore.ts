/** Where a backend keeps its objects, as far as locks need it. Keys are paths with slashes. */
export interface LockStore {
  /** Keys directly under a folder; none when there is no such folder. */
  keys(folder: string): Promise<string[]>;

  /** An object's text; undefined when it is gone. */
  read(key: string): Promise<string | undefined>;

  /** Writes an object; nobody ever sees a part of it. */
  write(key: string, text: string): Promise<void>;

  /** Removes an object; does nothing when it is gone. */
  remove(key: string): Promise<void>;
}
