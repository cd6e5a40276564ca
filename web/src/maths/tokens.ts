// Tokens as a reader sees them: the user's own text where the token covers some, else its piece.
import type { Model, Token } from "../api/types.ts";

/** A model without a tokenizer reads ids, one with a list of whole words (WordLevel) little but its own task. */
export function hasWords(of: Model | null): boolean {
  return of !== null && of.tokenizer !== null && of.tokenizer !== "WordLevel";
}

export interface ShownToken {
  readonly index: number;
  readonly id: number;
  readonly piece: string;
  readonly special: boolean;
  /** UTF-8 bytes of the user's text, [begin, end). */
  readonly begin: number;
  readonly end: number;
  readonly text: string;
  /** Continues the token before it, with no space between them. */
  readonly joined: boolean;
  /** What the model reads instead, where the text is not in its vocabulary. */
  readonly readAs: string | null;
}

/** What cannot be seen is named: a space becomes "␣", a line break "⏎". */
function visible(text: string): string {
  return text.replace(/\n/g, "⏎").replace(/\t/g, "⇥");
}

/** SentencePiece writes a leading space as "▁", GPT-2's byte alphabet as "Ġ". */
function withoutMarkers(piece: string): string {
  return piece.replace(/^##/, "").replace(/[▁Ġ]/g, " ");
}

const kUnknown = new Set(["[unk]", "<unk>"]);

/** A vocabulary's word for what it does not know, or plainly another word (a closed alphabet's fallback). */
function readAs(covered: string, piece: string): string | null {
  if (covered === "") return null;
  if (kUnknown.has(piece.toLowerCase())) return piece;
  const [seen, read] = [covered, withoutMarkers(piece)].map((text) => text.trim().toLowerCase());
  const plain = /^[a-z0-9]+$/;
  return plain.test(seen!) && plain.test(read!) && seen !== read ? piece : null;
}

export function shownTokens(text: string, tokens: readonly Token[]): ShownToken[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  return tokens.map((token, index) => {
    const covered = token.special ? "" : decoder.decode(bytes.subarray(token.begin, token.end));
    const raw = covered === "" || covered.includes("\ufffd") ? withoutMarkers(token.piece) : covered;
    const trimmed = raw.trim();
    const before = index > 0 ? tokens[index - 1]! : null;
    const touches = before !== null && token.end > token.begin && before.end === token.begin && !before.special;
    return {
      index,
      id: token.id,
      piece: token.piece,
      special: token.special,
      begin: token.begin,
      end: token.end,
      text: visible(trimmed === "" ? raw.replace(/ /g, "␣") || "∅" : trimmed),
      joined: touches && !/^\s/.test(raw),
      readAs: readAs(covered, token.piece),
    };
  });
}

/** Where heads rest that find nothing to read: special tokens, without any the first (inspect/head_statistics.h). */
export function sinkTokens(tokens: readonly ShownToken[]): ReadonlySet<number> {
  const special = tokens.filter((token) => token.special).map((token) => token.index);
  return new Set(special.length > 0 ? special : tokens.slice(0, 1).map((token) => token.index));
}

const kPronouns = new Set(["it", "它"]);

/** The token whose reading is shown first: "it" where there is one (the classic question), else the last word. */
export function firstQuery(tokens: readonly ShownToken[]): number {
  const pronoun = tokens.find((token) => kPronouns.has(token.text.toLowerCase()));
  if (pronoun) return pronoun.index;
  const words = tokens.filter((token) => !token.special);
  return words.at(-1)?.index ?? 0;
}
