#!/usr/bin/env python3
"""plot.py LINES FOLDER: the lines that `run` prints as scaling.csv, as scaling.svg, and the rows of a table in Markdown."""
import json
import sys

WORKS = ["images", "pool", "reduce"]
COLOURS = {"images": "#1f77b4", "pool": "#d95f02", "reduce": "#1b9e77"}
DASHES = {"images": "", "pool": "6 4", "reduce": "2 3"}
RANKS = [64, 256, 1024]
LEAST = 0.8  # of the scale of efficiency
WIDTH, HEIGHT, LEFT, TOP = 260, 200, 60, 60


def read(path):
    """{(kind, work, ranks): fields}"""
    runs = {}
    with open(path) as lines:
        for line in lines:
            kind, text = line.split(" ", 1)
            fields = json.loads(text)
            if fields["wrong"] != 0:
                sys.exit("plot.py: a wrong result: " + line)
            runs[kind, fields["work"], fields["ranks"]] = fields
    return runs


def write_csv(runs, path):
    names = list(next(iter(runs.values())))
    with open(path, "w") as out:
        out.write(",".join(["kind"] + names) + "\n")
        for (kind, _, _), fields in runs.items():
            out.write(",".join([kind] + [str(fields[name]) for name in names]) + "\n")


def text(x, y, what, anchor="middle", size=12, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" {extra}>{what}</text>'


def line(x1, y1, x2, y2, style):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def place(left, ranks, efficiency):
    x = left + WIDTH * (0.1 + 0.8 * RANKS.index(ranks) / (len(RANKS) - 1))
    return x, TOP + HEIGHT * (1 - (max(efficiency, LEAST) - LEAST) / (1 - LEAST))


def panel(runs, kind, title, left):
    parts = [text(left + WIDTH / 2, TOP - 14, title, size=14)]
    for percent in range(80, 101, 5):
        y = place(left, RANKS[0], percent / 100)[1]
        target = percent == 90
        style = 'stroke="#c00" stroke-dasharray="4 3"' if target else 'stroke="#ddd"'
        parts.append(line(left, y, left + WIDTH, y, style))
        parts.append(text(left - 6, y + 4, f"{percent} %", "end"))
        if target:
            parts.append(text(left + 4, y + 14, "target", "start", 11, 'fill="#c00"'))
    for ranks in RANKS:
        parts.append(text(place(left, ranks, 1)[0], TOP + HEIGHT + 18, ranks))
    parts.append(text(left + WIDTH / 2, TOP + HEIGHT + 36, "ranks"))
    for work in WORKS:
        points = [place(left, ranks, runs[kind, work, ranks]["efficiency"]) for ranks in RANKS]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[work]}" stroke-width="2" '
                     f'stroke-dasharray="{DASHES[work]}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[work]}"/>' for x, y in points]
    return parts


def write_svg(runs, path):
    width, height = 2 * (LEFT + WIDTH) + 30, TOP + HEIGHT + 80
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             text(width / 2, 24, "Efficiency on a simulated cluster", size=16)]
    parts += panel(runs, "weak", "1 s of work for each rank", LEFT)
    parts += panel(runs, "strong", "256 s of work in all", 2 * LEFT + WIDTH)
    for i, work in enumerate(WORKS):
        x, y = width / 2 + (i - 1) * 110 - 40, TOP + HEIGHT + 64
        parts.append(line(x, y - 4, x + 30, y - 4, f'stroke="{COLOURS[work]}" stroke-width="2" '
                          f'stroke-dasharray="{DASHES[work]}"'))
        parts.append(text(x + 36, y, work, "start"))
    with open(path, "w") as out:
        out.write("\n".join(parts + ["</svg>", ""]))


def print_table(runs):
    """The rows of the table in the README."""
    for work in WORKS:
        for ranks in RANKS:
            weak, strong = runs["weak", work, ranks], runs["strong", work, ranks]
            print(f"| {work} | {ranks} | {weak['efficiency']:.3f} | {strong['efficiency']:.3f} "
                  f"| {weak['rank_messages']} ({weak['rank_bytes'] / 1e3:.0f} kB) "
                  f"| {weak['root_messages']} ({weak['root_bytes'] / 1e3:.0f} kB), {100 * weak['root_load']:.1f} % "
                  f"| {weak['rank_memory'] / 1e6:.2f} MB | {weak['root_memory'] / 1e6:.2f} MB |")


def main():
    runs = read(sys.argv[1])
    write_csv(runs, sys.argv[2] + "/scaling.csv")
    write_svg(runs, sys.argv[2] + "/scaling.svg")
    print_table(runs)


if __name__ == "__main__":
    main()
