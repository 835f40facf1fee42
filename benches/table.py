#!/usr/bin/env python3
"""Reads JSON lines of benchmarks on stdin and prints Markdown: a table for each work, and one for the products of a step.

usage: table.py [BASE] < lines       BASE: a part of the name of the peer that ratios are taken to [default: wgrad]

Lines of one peer and work are put together: the median is that of all their runs.
"""
import json
import statistics
import sys

QUIET = 0.15  # cores that other processes may take before a line is marked


def read(stream):
    """The objects among the lines; what is no object was said for people."""
    for line in stream:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "peer" in found and "work" in found:
            yield found


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def is_product(line):
    """Whether it is one of the products of a step, which have one table for all."""
    return "product" in line and not line["work"][4:].isdigit()


def together(lines, label):
    """label -> peer -> its lines, each in the order in which they came."""
    found = {}
    for line in lines:
        found.setdefault(label(line), {}).setdefault(line["peer"], []).append(line)
    return found


def cells(peers, base, net):
    """The rows of a table, best first."""
    runs = {peer: [run for line in lines for run in line["runs"]] for peer, lines in peers.items()}
    ranked = sorted(((statistics.median(runs[peer]), peer) for peer in runs), reverse=True)
    bases = [median for median, peer in ranked if base in peer and "float16" not in peer]
    rows = []
    for median, peer in ranked:
        seen = lambda key: [line[key] for line in peers[peer] if line.get(key) is not None]
        middle = lambda key: statistics.median(seen(key)) if seen(key) else None
        busy = max(seen("other_cpu"), default=0.0)
        row = [peer + (" *" if busy > QUIET else ""), number(median)]
        row += [f"{number(min(runs[peer]))} to {number(max(runs[peer]))}", f"{median / bases[0]:.2f}" if bases else "-"]
        if net:
            row += [number(1e6 * peers[peer][0]["batch"] / median), number(middle("dispatches"))]
            row += [number(middle("first_step_s")), number(max(seen("rss_mb"), default=None))]
        rows.append(row + [f"{busy:.2f}"])
    return rows


def of_work(work, peers, base):
    net = not work.startswith("gemm")
    header = ["peer", "samples/s, median" if net else "GFLOP/s, median", "least to most", f"of {base}'s"]
    if net:
        header += ["µs/step", "dispatches", "first step s", "peak RSS MB"]
    print(f"### {work}\n")
    table(header + ["other cores"], cells(peers, base, net))


def of_products(products, base):
    rows = [[product, *row] for product, peers in products.items() for row in cells(peers, base, False)]
    print("### The products of a step\n")
    table(["product", "peer", "GFLOP/s, median", "least to most", f"of {base}'s", "other cores"], rows)


def kernels(lines):
    """The time of each kernel of a step, dispatches of one kernel added up."""
    works = {}
    for line in lines:
        at = works.setdefault((line["peer"], line["work"], line["clock"]), {}).setdefault(line["kernel"], [0, 0.0, 0.0, 0.0])
        us = line["us"]
        at[0] += 1
        at[1] += us
        at[2] += (line.get("gflops") or 0.0) * us
        at[3] += line["roofline"] * us
    for (peer, work, clock), sums in works.items():
        step = sum(us for _, us, _, _ in sums.values())
        print(f"### {work}: the kernels of a step, {number(step)} µs in all ({peer}, clock: {clock})\n")
        rows = []
        for kernel, (count, us, flop, roof) in sorted(sums.items(), key=lambda item: -item[1][1]):
            rate = number(flop / us) if flop else "-"
            rows.append([kernel, str(count), number(us), f"{us / step:.1%}", rate, f"{roof / us:.0%}"])
        table(["kernel", "dispatches", "µs", "of the step", "GFLOP/s", "of the roofline"], rows)


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else "wgrad"
    lines = list(read(sys.stdin))
    timed = [line for line in lines if line.get("runs") and (line.get("batch") or "gflops" in line)]
    works = together((line for line in timed if not is_product(line)), lambda line: line["work"])
    for work, peers in works.items():
        of_work(work, peers, base)
    products = together(filter(is_product, timed), lambda line: f"{line['work']}: {line['product']}")
    if products:
        of_products(products, base)
    if any((line.get("other_cpu") or 0.0) > QUIET for line in timed):
        print(f"\\* other processes took more than {QUIET} cores meanwhile: the line says little.\n")
    for line in lines:
        if line["work"] == "dispatch":
            print(f"{line['peer']}: an empty dispatch that waits for the one before takes {number(line['us_per_dispatch'])} µs\n")
        if line["work"] == "roofline":
            copy, flops = number(line["copy_gb_per_s"]), number(line["product_gflops"])
            print(f"{line['peer']}: a copy of 128 MiB reaches {copy} GB/s, the product {line['product']} {flops} GFLOP/s\n")
        if line.get("dispatch_share") is not None and line.get("batch"):
            share = f"{line['dispatch_share']:.0%}"
            print(f"{line['peer']}, {line['work']}: empty dispatches would take {share} of the step\n")
    kernels([line for line in lines if "kernel" in line])


main()
