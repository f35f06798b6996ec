const factors: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of a size as Kubernetes writes it (`10Gi`); undefined for one that it would refuse. */
export function bytesOf(quantity: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(quantity ?? "");
  const factor = factors[match?.[2] ?? ""];
  return match === null || factor === undefined
    ? undefined
    : Math.ceil(Number(match[1]) * factor);
}
