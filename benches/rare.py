"""Rare classes: `wgrad train --class-weights balanced` against scikit-learn's balanced logistic regression.

usage: python rare.py WGRAD OUT_DIR [FLAG ...]

Makes tables of two classes of which one is rare, cuts each five times into 80 % to learn from and 20 % to test on, and prints
the balanced accuracy of both on the same test rows: means over the five cuts, and each. FLAGs go to `wgrad train`. Needs
numpy and scikit-learn.

`shift`: normal columns with correlations, in which the rare class lies further along one direction. `clusters`: scikit-learn's
make_classification, with eight columns that say something in two clusters a class, so a straight line is not the best cut.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import warnings

import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEEDS = range(5)
# Kind, share of the rare class, rows, and how far the classes lie apart.
TABLES = [
    ("shift", 0.005, 60_000, 2.0),
    ("shift", 0.01, 30_000, 1.8),
    ("shift", 0.02, 10_000, 2.0),
    ("shift", 0.05, 20_000, 1.6),
    ("shift", 0.005, 10_000, 2.2),
    ("clusters", 0.005, 60_000, 1.0),
    ("clusters", 0.01, 30_000, 1.0),
    ("clusters", 0.02, 10_000, 1.0),
    ("clusters", 0.05, 20_000, 1.0),
]


def shift(share, rows, apart, rng):
    mix = rng.normal(size=(20, 20)) * 0.2 + np.eye(20)
    direction = rng.normal(size=20)
    direction /= np.linalg.norm(direction)
    y = (rng.random(rows) < share).astype(int)
    return (rng.normal(size=(rows, 20)) + apart * y[:, None] * direction) @ mix, y


def clusters(share, rows, apart, seed):
    return make_classification(
        rows, 20, n_informative=8, n_redundant=4, n_clusters_per_class=2, weights=[1 - share], flip_y=0,
        class_sep=apart, random_state=seed,
    )


def write(path, x, y):
    head = ",".join([*(f"x{j}" for j in range(20)), "y"])
    np.savetxt(path, np.column_stack([x, y]), "%.5g", ",", header=head, comments="")


def ours(wgrad, folder, seed, flags):
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    train = [wgrad, "train", folder / "train.csv", "--target", "y", "--test", "0", "--class-weights", "balanced"]
    subprocess.run([*train, "--device", "cpu", "--seed", str(seed), "--quiet", "--out", run, *flags], check=True)
    test = [wgrad, "eval", run / "model.safetensors", folder / "test.csv", "--json", "--device", "cpu"]
    answer = subprocess.run(test, check=True, capture_output=True, text=True).stdout
    confusion = json.loads(answer.strip().splitlines()[-1])["confusion"]
    return np.mean([row[k] / sum(row) for k, row in enumerate(confusion)])


def main():
    wgrad, out, *flags = sys.argv[1:]
    for i, (kind, share, rows, apart) in enumerate(TABLES):
        x, y = shift(share, rows, apart, np.random.default_rng(i)) if kind == "shift" else clusters(share, rows, apart, i)
        folder = pathlib.Path(out) / f"{kind}_{100 * share:g}_{rows}"
        folder.mkdir(parents=True, exist_ok=True)
        scores = []
        for seed in SEEDS:
            a, b, ya, yb = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
            write(folder / "train.csv", a, ya)
            write(folder / "test.csv", b, yb)
            model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
            line = balanced_accuracy_score(yb, model.fit(a, ya).predict(b))
            scores.append((ours(wgrad, folder, seed, flags), line))
        means, each = np.mean(scores, 0), ", ".join(f"{w:.3f}/{s:.3f}" for w, s in scores)
        print(f"{folder.name}: wgrad {means[0]:.4f}, logistic regression {means[1]:.4f} ({each})", flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
