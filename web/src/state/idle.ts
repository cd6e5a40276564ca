// Tells a test (or a screenshot) when the page has settled: no request under way and the frame painted.
// `window.__headlightIdle` is the flag; nothing in the page itself depends on it.

declare global {
  interface Window {
    __headlightIdle?: boolean;
  }
}

let pending = 0;
let generation = 0;

function settleAfterPaint(expected: number): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (pending === 0 && generation === expected) window.__headlightIdle = true;
    }),
  );
}

/** Marks the page busy until the returned function is called. */
export function beginWork(): () => void {
  pending++;
  generation++;
  window.__headlightIdle = false;
  let finished = false;
  return () => {
    if (finished) return;
    finished = true;
    pending--;
    if (pending === 0) settleAfterPaint(generation);
  };
}

/** Calls back once the next frame is painted and nothing more urgent waits. */
export function afterPaint(then: () => void): void {
  const done = beginWork();
  const work = () => {
    done();
    then();
  };
  // Safari has no idle callbacks.
  requestAnimationFrame(() => ("requestIdleCallback" in window ? requestIdleCallback(work, { timeout: 200 }) : setTimeout(work, 50)));
}

/** Marks one change of state that is painted on the next frame. */
export function touchWork(): void {
  beginWork()();
}
