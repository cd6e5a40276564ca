// A stream of server-sent events, read piece by piece (HTML standard, section 9.2; ids are numbers here).

export interface StreamEvent {
  readonly id: number;
  readonly kind: string;
  readonly data: string;
}

function eventOf(block: string): StreamEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue; // a comment begins with its colon
    fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const data = fields.get("data");
  return data === undefined ? null : { id: Number(fields.get("id") ?? 0), kind: fields.get("event") ?? "message", data };
}

/** Gives the events that are whole after each piece; what is not yet waits for the next. */
export class EventReader {
  private rest = "";

  push(piece: string): StreamEvent[] {
    const blocks = (this.rest + piece).split("\n\n");
    this.rest = blocks.pop()!;
    return blocks.map(eventOf).filter((event) => event !== null);
  }
}
