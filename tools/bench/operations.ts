/** What is measured on each side, in this order. */
export const OPERATIONS = ["create", "preview", "no-op up", "destroy"] as const;
export type Operation = (typeof OPERATIONS)[number];
