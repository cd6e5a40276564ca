// Heads that are not fully on: "2.1:0;0.3:0.5" in the address, a gate in [0, 1] for each "layer.head".

export type Gates = ReadonlyMap<string, number>;

export const headKey = (layer: number, head: number): string => `${layer}.${head}`;

const kPart = /^(\d{1,4})\.(\d{1,4}):(0|1|0?\.\d{1,4})$/;

/** What is not a gate, is open anyway, or names a head that is not there, is passed over. */
export function parseGates(text: string, layers: number, heads: number): Gates {
  const gates = new Map<string, number>();
  for (const part of text.split(";")) {
    const match = kPart.exec(part);
    if (!match) continue;
    const [layer, head, gate] = [Number(match[1]), Number(match[2]), Number(match[3])];
    if (layer < layers && head < heads && gate < 1) gates.set(headKey(layer, head), gate);
  }
  return gates;
}

export function formatGates(gates: Gates): string {
  return [...gates].map(([key, gate]) => `${key}:${gate}`).join(";");
}

/** The gates with one changed; a gate of 1 is left out. */
export function withGate(gates: Gates, key: string, gate: number): Gates {
  const next = new Map(gates);
  if (gate < 1) next.set(key, gate);
  else next.delete(key);
  return next;
}
