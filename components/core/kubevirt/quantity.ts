const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A quantity of Kubernetes as a number, such as bytes
 * (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/); undefined when it
 * is none.
 */
export function parseQuantity(text: string): number | undefined {
  const match =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([KMGTPE]i|[mkMGTPE])?)$/.exec(
      text,
    );
  if (match === null) {
    return undefined;
  }
  const [, number, exponent, unit = ""] = match;
  return (
    Number(number) *
    (exponent === undefined ? (FACTORS[unit] ?? 1) : 10 ** Number(exponent))
  );
}

/** Bytes as a quantity that Kubernetes itself would write: in the largest unit that stays whole. */
export function bytesQuantity(bytes: number): string {
  const whole = Math.ceil(bytes);
  const unit = ["Ti", "Gi", "Mi", "Ki"].find(
    (name) => whole > 0 && whole % (FACTORS[name] ?? 1) === 0,
  );
  return unit === undefined
    ? String(whole)
    : `${whole / (FACTORS[unit] ?? 1)}${unit}`;
}
