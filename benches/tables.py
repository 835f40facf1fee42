#!/usr/bin/env python3
"""The default recipe on raw tables: `wgrad train TRAIN --target … --test TEST` and no other flag.

  tables.py FOLDER [--seeds 0,1,2] [--sets titanic,adult] [--wgrad PATH]

FOLDER holds the files, gzipped or not. Each file is cut by lines into 80 and 20 %, with the same share of every class, and is
otherwise unchanged. The splits are those of scikit-learn's train_test_split with the same seed, so figures of other learners on
the same rows can stand beside. Prints accuracy or R² and the seconds of each run, and the mean over the seeds.
"""
import argparse, gzip, json, os, subprocess, tempfile, time
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

# name, target, position of the target (for files without a header), task, further flags
SETS = [
    ("titanic", "Survived", None, "classification", []),
    ("adult", "column_15", 14, "classification", []),
    ("churn", "Exited", None, "classification", []),
    ("german_credit", "default", None, "classification", []),
    ("pima", "column_9", 8, "classification", []),
    ("letter", "letter", None, "classification", []),
    ("housing", "median_house_value", None, "regression", []),
    ("bike", "cnt", None, "regression", ["--ignore", "casual,registered"]),
    ("abalone", "column_9", 8, "regression", []),
    ("insurance", "charges", None, "regression", []),
]


def lines_of(folder, name):
    path = folder / f"{name}.csv"
    data = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{name}.csv.gz").read_bytes())
    return [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]


def labels_of(lines, header, target, position):
    import csv

    rows = list(csv.reader(lines, skipinitialspace=True))
    column = rows[0].index(target) if header else position
    return [row[column] for row in (rows[1:] if header else rows)]


def run(folder, name, target, position, task, flags, seed, wgrad):
    lines = lines_of(folder, name)
    header = position is None
    head, rows = (lines[:1], lines[1:]) if header else ([], lines)
    labels = labels_of(lines, header, target, position) if task == "classification" else None
    assert labels is None or len(labels) == len(rows)
    train, test = train_test_split(np.arange(len(rows)), test_size=0.2, random_state=seed, stratify=labels)
    with tempfile.TemporaryDirectory() as work:
        paths = []
        for part, index in (("train", train), ("test", test)):
            path = Path(work) / f"{name}_{part}.csv"
            path.write_text("\n".join(head + [rows[i] for i in index]) + "\n")
            paths.append(str(path))
        command = [wgrad, "train", paths[0], "--target", target, "--test", paths[1], *flags]
        command += ["--out", f"{work}/run", "--json", "--quiet", "--device", "cpu"]
        began = time.time()
        ran = subprocess.run(command, capture_output=True, text=True)
        seconds = time.time() - began
        if ran.returncode:
            return None, seconds, ran.stderr.strip()
        found = json.loads(ran.stdout.splitlines()[-1])["test"]
        return found["accuracy" if task == "classification" else "r2"], seconds, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--sets", default=",".join(s[0] for s in SETS))
    parser.add_argument("--wgrad", default=os.environ.get("WGRAD", "wgrad"))
    args = parser.parse_args()
    wanted, seeds = args.sets.split(","), [int(seed) for seed in args.seeds.split(",")]
    for name, target, position, task, flags in (s for s in SETS if s[0] in wanted):
        results = [run(args.folder, name, target, position, task, flags, seed, args.wgrad) for seed in seeds]
        scores = [score for score, _, _ in results if score is not None]
        faults = [fault for _, _, fault in results if fault]
        mean = f"{np.mean(scores):.4f}" if scores else "-"
        print(f"{name:14} {mean}  " + " ".join(f"{score:.4f}" if score is not None else "failed" for score, _, _ in results)
              + "  " + " ".join(f"{seconds:.0f} s" for _, seconds, _ in results), *faults, flush=True)


main()
