import { KubeClient } from "../../core/kube-client/client";
import { isKubeFault } from "../../core/kube-client/errors";
import { kubeAccess, type KubeWish } from "../../core/kube-client/kubeconfig";

/** Stands for all clusters of which nobody can tell where they are. */
const NOWHERE = "a Kubernetes whose kubeconfig cannot be used";

/** The clusters that a state speaks of, by the addresses of their APIs. Holds credentials. */
export class KubePlaces {
  private readonly wishes = new Map<string, KubeWish>();
  private readonly clients = new Map<string, KubeClient>();

  /** @param environment that has KUBECONFIG, where a state names no kubeconfig. */
  constructor(private readonly environment: NodeJS.ProcessEnv) {}

  /** The place that a kubeconfig leads to. */
  placeOf(wish: KubeWish): string {
    const place = this.serverOf(wish);
    if (!this.wishes.has(place)) {
      this.wishes.set(place, wish);
    }
    return place;
  }

  /** @throws KubeError when its kubeconfig cannot be used. */
  clientAt(place: string): KubeClient {
    const client =
      this.clients.get(place) ??
      new KubeClient(
        kubeAccess(this.wishes.get(place) ?? {}, this.environment),
      );
    this.clients.set(place, client);
    return client;
  }

  private serverOf(wish: KubeWish): string {
    try {
      return kubeAccess(wish, this.environment).server;
    } catch (error) {
      if (isKubeFault(error, "config")) {
        return NOWHERE;
      }
      throw error;
    }
  }
}
