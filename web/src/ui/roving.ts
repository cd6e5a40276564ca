// Roving focus: in a group of buttons only the current one is a tab stop; the arrow keys move.

/** The index that a key leads to, null when the key is not for moving. `columns` > 1 makes up and down jump rows. */
export function moveIndex(key: string, index: number, count: number, columns = 1): number | null {
  const step: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const change = step[key];
  if (change === undefined) return null;
  const next = index + change;
  return next < 0 || next >= count ? index : next;
}

/** Moves the focus to the nth button of the group that the event happened in. */
export function focusWithin(group: Element, selector: string, index: number): void {
  group.querySelectorAll<HTMLElement>(selector)[index]?.focus();
}
