// Exact arithmetic for the worked example: a fraction of two BigInts, always in lowest terms, so that
// 0.1 + 0.2 is 0.3 and a row of weights sums to 1 exactly or does not.

const kLongestNumber = 24;

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

export class Rational {
  private constructor(
    readonly numerator: bigint,
    readonly denominator: bigint,
  ) {}

  static readonly zero = new Rational(0n, 1n);
  static readonly one = new Rational(1n, 1n);

  static of(numerator: bigint, denominator: bigint): Rational {
    if (denominator === 0n) throw new RangeError("a fraction needs a denominator that is not zero");
    const sign = denominator < 0n ? -1n : 1n;
    const common = gcd(numerator, denominator) || 1n;
    return new Rational((sign * numerator) / common, (sign * denominator) / common);
  }

  /** Reads "0.85", "-2", ".5" or "1/3"; null when the text is not a number (or absurdly long). */
  static parse(text: string): Rational | null {
    const clean = text.trim().replace("\u2212", "-");
    if (clean.length > kLongestNumber) return null;
    const fraction = /^([+-]?\d+)\s*\/\s*(\d+)$/.exec(clean);
    if (fraction) {
      const below = BigInt(fraction[2]!);
      return below === 0n ? null : Rational.of(BigInt(fraction[1]!.replace("+", "")), below);
    }
    const decimal = /^([+-]?)(\d*)\.?(\d*)$/.exec(clean);
    if (!decimal || (decimal[2] === "" && decimal[3] === "")) return null;
    const magnitude = BigInt(decimal[2]! + decimal[3]!);
    return Rational.of(decimal[1] === "-" ? -magnitude : magnitude, 10n ** BigInt(decimal[3]!.length));
  }

  plus(other: Rational): Rational {
    return Rational.of(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Rational): Rational {
    return this.plus(Rational.of(-other.numerator, other.denominator));
  }

  times(other: Rational): Rational {
    return Rational.of(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  dividedBy(count: number): Rational {
    return Rational.of(this.numerator, this.denominator * BigInt(count));
  }

  equals(other: Rational): boolean {
    return this.numerator === other.numerator && this.denominator === other.denominator;
  }

  get isZero(): boolean {
    return this.numerator === 0n;
  }

  /** For drawing only; every number that is shown is `toString()`. */
  toNumber(): number {
    return Number(this.numerator) / Number(this.denominator);
  }

  /** The exact decimal where there is one ("0.085"), the fraction where there is not ("1/3"). */
  toString(): string {
    const places = decimalPlaces(this.denominator);
    if (places === null) return `${this.numerator}/${this.denominator}`;
    const scaled = (this.numerator * 10n ** BigInt(places)) / this.denominator;
    const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(places + 1, "0");
    const whole = digits.slice(0, digits.length - places);
    const text = places === 0 ? whole : `${whole}.${digits.slice(-places)}`;
    return scaled < 0n ? `-${text}` : text;
  }
}

/** How many decimals 1/denominator needs; null when it never ends (a prime other than 2 and 5). */
function decimalPlaces(denominator: bigint): number | null {
  let rest = denominator;
  let twos = 0;
  let fives = 0;
  for (; rest % 2n === 0n; rest /= 2n) twos++;
  for (; rest % 5n === 0n; rest /= 5n) fives++;
  return rest === 1n ? Math.max(twos, fives) : null;
}

export function sum(values: readonly Rational[]): Rational {
  return values.reduce((total, value) => total.plus(value), Rational.zero);
}
