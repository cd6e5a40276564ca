// What was fetched of a long trace, kept while it is likely to be looked at again.
import { signal, type Signal } from "@preact/signals";
import { beginWork } from "../state/idle.ts";

/** A pointer that passes over many places asks for the one where it rests. */
const kRest = 80;

interface Wanted<T> {
  readonly key: string;
  readonly ask: () => Promise<T>;
  readonly onFailure: (error: unknown) => void;
  readonly done: () => void;
}

/** Remembers what was used last. Asks for one thing at a time, the latest wanted first. */
export class Fetched<T> {
  private readonly kept: Signal<ReadonlyMap<string, T>> = signal(new Map());
  private wanted: Wanted<T>[] = [];
  private underWay: string | null = null;

  /** `waiting`: how many wishes are remembered while one is fetched; older ones are dropped. */
  constructor(
    private readonly most: number,
    private readonly waiting = 1,
  ) {}

  /** Null while it is fetched. Follows the signal. */
  get(key: string): T | null {
    return this.kept.value.get(key) ?? null;
  }

  /** Fetches it unless it is there or under way. */
  want(key: string, ask: () => Promise<T>, onFailure: (error: unknown) => void): void {
    this.drop((one) => one.key === key);
    if (this.kept.peek().has(key) || this.underWay === key) return;
    this.wanted.push({ key, ask, onFailure, done: beginWork() });
    const oldest = this.wanted[this.wanted.length - 1 - this.waiting];
    this.drop((one) => one === oldest);
    if (this.underWay === null) void this.work();
  }

  forget(): void {
    this.drop(() => true);
    this.kept.value = new Map();
  }

  private drop(which: (one: Wanted<T>) => boolean): void {
    this.wanted = this.wanted.filter((one) => {
      if (which(one)) one.done();
      return !which(one);
    });
  }

  private async work(): Promise<void> {
    this.underWay = "";
    for (;;) {
      await new Promise((rested) => setTimeout(rested, kRest));
      const next = this.wanted.pop();
      if (!next) break;
      this.underWay = next.key;
      try {
        this.keep(next.key, await next.ask());
      } catch (error) {
        next.onFailure(error);
      }
      next.done();
    }
    this.underWay = null;
  }

  private keep(key: string, value: T): void {
    const entries = [...this.kept.peek()].filter(([known]) => known !== key).slice(-(this.most - 1));
    this.kept.value = new Map([...entries, [key, value]]);
  }
}

const all: Fetched<unknown>[] = [];

export function fetched<T>(most: number, waiting?: number): Fetched<T> {
  const one = new Fetched<T>(most, waiting);
  all.push(one as Fetched<unknown>);
  return one;
}

/** Another text: nothing of the old one is of use. */
export function forgetFetched(): void {
  for (const one of all) one.forget();
}
