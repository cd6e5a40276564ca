// A small model that learns while the page watches: what has come of it so far.
import { batch, computed, signal } from "@preact/signals";
import { ApiError, fetchTrainings, openTrainingEvents, postTraining, stopTraining, type TrainingAsked } from "../api/client.ts";
import type { Snapshot, Training, TrainingEnd, TrainingStart, TrainingStep } from "../api/types.ts";
import { EventReader, type StreamEvent } from "../maths/events.ts";
import { touchWork } from "./idle.ts";
import { asProblem, type Problem } from "./session.ts";

const kPaint = 150; // ms between two pictures of the same training
const kRetries = 3; // of a stream that breaks off
const kRetryAfter = 1000; // ms

export type Phase = "idle" | "starting" | "running" | "stopping" | "ended";

export const phase = signal<Phase>("idle");
/** Started by another page: it can be left, but is not ours to stop. */
export const foreign = signal(false);
export const start = signal<TrainingStart | null>(null);
export const steps = signal<readonly TrainingStep[]>([]);
export const snapshots = signal<readonly Snapshot[]>([]);
export const end = signal<TrainingEnd | null>(null);
export const liveProblem = signal<Problem | null>(null);
/** Somebody else's training runs: it can be watched. */
export const busy = signal<Training | null>(null);

export const latestStep = computed(() => steps.value.at(-1) ?? null);
export const underWay = computed(() => ["starting", "running", "stopping"].includes(phase.value));

let stream: AbortController | null = null;
let current: Training | null = null;

function begin(): AbortController {
  stream?.abort();
  stream = new AbortController();
  batch(() => {
    phase.value = "starting";
    start.value = null;
    steps.value = [];
    snapshots.value = [];
    end.value = null;
    liveProblem.value = null;
    busy.value = null;
  });
  return stream;
}

/** Events that arrived and are not drawn yet. */
class Waiting {
  private events: StreamEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  add(events: readonly StreamEvent[]): void {
    if (events.length === 0) return;
    this.events.push(...events);
    this.timer ??= setTimeout(() => this.draw(), kPaint);
  }

  draw(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const events = this.events;
    this.events = [];
    touchWork();
    batch(() => accept(events));
  }
}

function accept(events: readonly StreamEvent[]): void {
  const of = <T>(kind: string) => events.filter((event) => event.kind === kind).map((event) => JSON.parse(event.data) as T);
  const [begun] = of<TrainingStart>("start");
  if (begun) start.value = begun;
  const [newSteps, newSnapshots] = [of<TrainingStep>("step"), of<Snapshot>("snapshot")];
  if (newSteps.length > 0) steps.value = [...steps.value, ...newSteps];
  if (newSnapshots.length > 0) snapshots.value = [...snapshots.value, ...newSnapshots];
  const [ended] = of<TrainingEnd>("end");
  if (ended) end.value = ended;
  if (ended) phase.value = "ended";
  else if (phase.value === "starting") phase.value = "running";
}

/** Reads the stream to its end; the number of the last event that came, and whether it was the last of all. */
async function readStream(response: Response, waiting: Waiting, seen: number): Promise<{ last: number; ended: boolean }> {
  const events = new EventReader();
  const text = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let [last, ended] = [seen, false];
  while (true) {
    const { done, value } = await text.read();
    if (done) return { last, ended };
    const got = events.push(value);
    waiting.add(got);
    last = got.at(-1)?.id ?? last;
    ended ||= got.some((event) => event.kind === "end");
  }
}

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** Watches to the end; a stream that breaks off is taken up where it was. */
async function watch(training: Training, mine: AbortController): Promise<void> {
  const waiting = new Waiting();
  let seen = 0;
  for (let failures = 0; ; ) {
    try {
      const read = await readStream(await openTrainingEvents(training.id, seen, mine.signal), waiting, seen);
      if (read.last > seen) failures = 0;
      seen = read.last;
      if (read.ended) break;
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error instanceof ApiError && error.status > 0) throw error;
    }
    if (++failures > kRetries) throw new ApiError(0, "the stream of events broke off");
    await pause(kRetryAfter);
  }
  waiting.draw();
}

async function follow(getting: (mine: AbortController) => Promise<Training>, others: boolean): Promise<void> {
  const mine = begin();
  try {
    const training = await getting(mine);
    current = training;
    foreign.value = others;
    await watch(training, mine);
  } catch (error) {
    if (mine.signal.aborted) return;
    if (error instanceof ApiError && error.status === 429 && !others) busy.value = await runningElsewhere();
    batch(() => {
      if (!busy.value) liveProblem.value = asProblem(error);
      phase.value = end.value ? "ended" : "idle";
    });
  }
}

async function runningElsewhere(): Promise<Training | null> {
  try {
    const { trainings } = await fetchTrainings();
    return trainings.find((one) => one.state !== "ended") ?? null;
  } catch {
    return null;
  }
}

export function train(asked: TrainingAsked): void {
  void follow(() => postTraining(asked), false);
}

/** Watches what another page has started. */
export function watchOther(training: Training): void {
  void follow(() => Promise.resolve(training), true);
}

/** Ends our training; somebody else's is only left. */
export async function stop(): Promise<void> {
  if (foreign.value || !current) {
    stream?.abort();
    phase.value = snapshots.value.length > 0 ? "ended" : "idle";
    return;
  }
  phase.value = "stopping";
  try {
    await stopTraining(current.id);
  } catch (error) {
    liveProblem.value = asProblem(error);
  }
}
