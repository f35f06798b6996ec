import { messageOf } from "@corral-iac/corral/core/errors";

import {
  isConflict,
  isNotFound,
  type KubeApi,
  type KubeObject,
} from "./client";

/** Pause before a step that failed is tried again, and before a broken watch is opened anew. */
const retryMs = 500;

/** What a controller does with each object whenever it changes. */
export interface ControllerOptions<T extends KubeObject> {
  readonly api: KubeApi;
  /** Path of the collection. */
  readonly path: string;
  /**
   * Brings one object a step further. Must be safe to repeat.
   *
   * @returns in how many milliseconds to look again, whatever happens; undefined: at a change.
   */
  readonly step: (object: T) => Promise<number | undefined>;
  /** The object is gone. */
  readonly gone?: (object: T) => Promise<void>;
  readonly log: (line: string) => void;
}

interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

/** Follows a collection, as Kubernetes' own controllers do: list, watch, one step per change. */
export class Controller<T extends KubeObject> {
  private readonly objects = new Map<string, T>();
  private readonly busy = new Set<string>();
  private readonly dirty = new Set<string>();
  private stopped = false;
  private request: { destroy(): void } | undefined;

  constructor(private readonly options: ControllerOptions<T>) {}

  /** The objects as last seen. */
  get all(): T[] {
    return [...this.objects.values()];
  }

  find(namespace: string | undefined, name: string): T | undefined {
    return this.objects.get(keyOf({ name, namespace }));
  }

  start(): void {
    void this.follow();
  }

  stop(): void {
    this.stopped = true;
    this.request?.destroy();
  }

  private async follow(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.watchFrom(await this.listAll());
      } catch (error) {
        if (!this.stopped) {
          this.options.log(`${this.options.path}: ${messageOf(error)}`);
          await pause(retryMs);
        }
      }
    }
  }

  private async listAll(): Promise<string> {
    const { metadata, items } = await this.options.api.get<{
      metadata: { resourceVersion: string };
      items: T[];
    }>(this.options.path);
    const listed = new Set(items.map(({ metadata }) => keyOf(metadata)));
    for (const object of this.all) {
      if (!listed.has(keyOf(object.metadata))) {
        this.take({ type: "DELETED", object });
      }
    }
    items.forEach((object) => this.take({ type: "ADDED", object }));
    return metadata.resourceVersion;
  }

  private watchFrom(resourceVersion: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = this.options.api.watch(
        `${this.options.path}?resourceVersion=${resourceVersion}&timeoutSeconds=300`,
      );
      this.request = request;
      request.on("error", reject);
      request.on("response", (response) => {
        let rest = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines.filter((text) => text !== "")) {
            const event = JSON.parse(line) as WatchEvent<T>;
            if (event.type === "ERROR") {
              // The version is too old by now: list again.
              request.destroy();
              return;
            }
            this.take(event);
          }
        });
        response.on("close", resolve);
        response.on("error", reject);
      });
      request.end();
    });
  }

  private take({ type, object }: WatchEvent<T>): void {
    const key = keyOf(object.metadata);
    if (type === "DELETED") {
      this.objects.delete(key);
      void this.options.gone?.(object).catch((error: unknown) => {
        this.options.log(`${key}: ${messageOf(error)}`);
      });
    } else if (type === "ADDED" || type === "MODIFIED") {
      this.objects.set(key, object);
      this.look(key);
    }
  }

  /** One step at a time for each object; a change during it leads to one more. */
  private look(key: string): void {
    if (this.busy.has(key)) {
      this.dirty.add(key);
      return;
    }
    const object = this.objects.get(key);
    if (object === undefined || this.stopped) {
      return;
    }
    this.busy.add(key);
    void this.stepOf(key, object).then((again) => {
      this.busy.delete(key);
      if (this.dirty.delete(key)) {
        this.look(key);
      } else if (again !== undefined) {
        setTimeout(() => this.look(key), again).unref();
      }
    });
  }

  private async stepOf(key: string, object: T): Promise<number | undefined> {
    try {
      return await this.options.step(object);
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      if (!isConflict(error)) {
        this.options.log(`${this.options.path} ${key}: ${messageOf(error)}`);
      }
      return retryMs;
    }
  }
}

function keyOf({
  namespace,
  name,
}: {
  namespace?: string | undefined;
  name: string;
}): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
