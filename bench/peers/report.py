"""The table and the plot of bench/compare."""

HEAD = ("case", "who", "median ms", "ratio", "GFLOP/s", "share", "MiB")
COLOURS = {"ours": "#c2410c", "torch": "#2563eb", "ort": "#15803d", "ggml": "#7c3aed"}
MARKS = ("circle", "square", "diamond", "bar")


def print_head(versions, options):
    print("; ".join(f"{k} = {v}" for k, v in versions.items()))
    print(f"threads: {options.threads}, rounds: {options.rounds}, {options.clock} clock. ratio: median over ours. "
          "share: of the FMA peak, for a decode of the\nread bandwidth, both measured between the rounds. "
          "MiB: resident memory with inputs, weights, outputs and scratch.\n")
    print("| " + " | ".join(HEAD) + " |\n|---|---|---:|---:|---:|---:|---:|", flush=True)


def print_case(records):
    """Rows in order of speed; then, a line each, who was not timed because the outputs or the peer failed."""
    timed = sorted((r for r in records if "ms" in r), key=lambda r: r["ms"])
    for r in timed:
        who = f"**{r['who']}**" if r["who"] == "ours" else r["who"]
        ratio = f"{r['ratio']:.2f}" if "ratio" in r else "–"
        print(f"| {r['case']} | {who} | {r['ms']:.4g} | {ratio} | {r['gflops']:.1f} | "
              f"{100 * r['share']:.0f} % | {r['rss_mib']:.0f} |", flush=True)
    for r in records:
        if "error" in r:
            print(f"| {r['case']} | {r['who']} | not timed: {r['error']} | | | | |", flush=True)


def workers_in(records):
    """Everybody who was timed, ours first."""
    libraries = list(COLOURS)
    return sorted({r["who"] for r in records if "ms" in r},
                  key=lambda who: (libraries.index(who.split()[0]), who))


def summary_row(case, found, columns):
    """found: records of one case by worker."""
    ours, peers = found.get("ours"), [r for who, r in found.items() if who != "ours"]
    best = min(peers, key=lambda r: r["ms"], default=None)
    cells = [f"{found[who]['ms']:.3g}" if who in found else "–" for who in columns]
    if best:
        cells[columns.index(best["who"])] += " ◂"
    gflops, share = (f"{ours['gflops']:.1f}", f"{100 * ours['share']:.0f} %") if ours else ("–", "–")
    ratio = f"**{best['ratio']:.2f}**" if ours and best else "–"
    memory = " / ".join(f"{r['rss_mib']:.0f}" if r else "–" for r in (ours, best))
    return "| " + " | ".join([case, *cells, ratio, gflops, share, memory]) + " |"


def print_summary(records):
    """A row a case: medians of all, and the best peer's time over ours (above 1: ours is faster)."""
    columns = workers_in(records)
    head = ["case", *(f"{who}, ms" for who in columns), "best peer / ours", "our GFLOP/s", "our share",
            "MiB, ours / best peer"]
    print("\n◂ marks the best peer.\n\n| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for case in dict.fromkeys(r["case"] for r in records):
        found = {r["who"]: r for r in records if r["case"] == case and "ms" in r}
        print(summary_row(case, found, columns))


def mark(shape, x, y, colour):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}"/>'
    if shape == "square":
        return f'<rect x="{x - 4:.1f}" y="{y - 4}" width="8" height="8" fill="{colour}"/>'
    if shape == "diamond":
        return f'<path d="M{x:.1f} {y - 6}l6 6-6 6-6-6z" fill="{colour}"/>'
    return f'<rect x="{x - 2:.1f}" y="{y - 7}" width="4" height="14" fill="{colour}"/>'


def style_of(who, order):
    """Colour by library, shape by variant within it."""
    library = who.split()[0]
    family = [w for w in order if w.split()[0] == library]
    return MARKS[family.index(who)], COLOURS[library]


def plot(records, threads):
    """An SVG: a line for each case, a mark for each worker at its share of the machine's limit."""
    timed = [r for r in records if "ms" in r]
    cases = list(dict.fromkeys(r["case"] for r in timed))
    order = workers_in(records)
    left, width, line, top = 190, 520, 24, 64
    height = top + line * len(cases) + 34

    def at(share):
        return left + width * min(share, 1.1) / 1.1

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {height}" '
           'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
           '<text x="10" y="18" font-weight="bold">Share of the machine\'s limit, '
           f'{threads} thread{"s" * (threads > 1)}</text>']
    for i, who in enumerate(order):
        x, y = 16 + 102 * (i % 7), 38
        shape, colour = style_of(who, order)
        out.append(mark(shape, x, y, colour) + f'<text x="{x + 10}" y="{y + 4}">{who}</text>')
    for percent in range(0, 101, 20):
        x = at(percent / 100)
        out.append(f'<path d="M{x:.1f} {top}V{height - 30}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{height - 14}" text-anchor="middle">{percent} %</text>')
    for i, case in enumerate(cases):
        y = top + line * i + line // 2
        out.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{case}</text>')
        for r in reversed([r for r in timed if r["case"] == case]):  # ours on top
            shape, colour = style_of(r["who"], order)
            out.append(mark(shape, at(r["share"]), y, colour))
    return "\n".join(out) + "\n</svg>\n"
