"""Transfer: five classes of CIFAR-10 learnt from few pictures, from scratch and from a network of the other five.

usage: python transfer.py WGRAD CIFAR10_FOLDER OUT_DIR

CIFAR10_FOLDER has `train` and `test`, each with a folder of pictures for each class. For each of five seeds, `small_cnn` learns
the first five classes from all their pictures (the trunk). Then the other five are learnt from 20, 50 and 200 pictures a class:

- scratch: `small_cnn` from random weights,
- frozen: the trunk's layers frozen, their features kept, a new last layer,
- tuned: the frozen network trained further from the last convolution on, at a twentieth of the rate.

Prints the accuracy on the 5,000 test pictures of these classes: the mean over the seeds, with a 95 % interval of the mean by
Student's t (4 degrees of freedom), and each. A run that is there is not trained again.
"""
import json
import pathlib
import random
import statistics
import subprocess
import sys

SEEDS = range(5)
COUNTS = [20, 50, 200]
T = 2.776  # the 97.5 % point of Student's t with 4 degrees of freedom
OPTIMIZER = ["--optimizer", "adamw", "--schedule", "cosine", "--validation", "0", "--device", "cpu"]


def folder(out, source, classes, count, seed):
    """Links some pictures of each class, drawn by the seed, beside all test pictures."""
    for part in ["train", "test"]:
        for name in classes:
            files = sorted((source / part / name).iterdir())
            if part == "train" and count is not None:
                files = random.Random(f"{seed} {name}").sample(files, count)
            place = out / part / name
            place.mkdir(parents=True, exist_ok=True)
            for file in files:
                link = place / file.name
                if not link.exists():
                    link.hardlink_to(file)
    return out


def train(wgrad, data, out, *flags):
    """The accuracy on the test part, and where the model is."""
    told, model = out.with_suffix(".json"), out / "model.safetensors"
    if not told.exists():
        command = [wgrad, "train", data, "--json", "--out", out, *OPTIMIZER, *flags]
        result = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        told.write_text(result.stdout.splitlines()[-1])
    return json.loads(told.read_text())["test"]["accuracy"], model


def main():
    wgrad, source, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    names = sorted(entry.name for entry in (source / "train").iterdir())
    first, second = names[:5], names[5:]
    accuracies = {}
    trunks = folder(out / "data" / "trunk", source, first, None, 0)
    for seed in SEEDS:
        at = out / f"seed-{seed}"
        at.mkdir(parents=True, exist_ok=True)
        of_seed = ["--seed", seed]
        flags = ["--layers", "small_cnn", "--epochs", 10, "--batch", 64, "--lr", 0.005, "--flip", 0.5, *of_seed]
        accuracy, trunk = train(wgrad, trunks, at / "trunk", *flags)
        print(f"seed {seed}: trunk {100 * accuracy:.1f} % on its own five classes", flush=True)
        for count in COUNTS:
            data = folder(out / "data" / f"{count}-{seed}", source, second, count, seed)
            few = ["--batch", 32, "--epochs", 40, *of_seed]
            scratch, _ = train(wgrad, data, at / f"scratch-{count}", "--layers", "small_cnn", "--lr", 0.005, *few)
            frozen, head = train(
                wgrad, data, at / f"frozen-{count}", "--init-from", trunk, "--new-head", "--freeze", "0..12",
                "--cache-features", "--lr", 0.001, *few,
            )
            tuned, _ = train(
                wgrad, data, at / f"tuned-{count}", "--init-from", head, "--freeze", "0..7", "--lr", 0.00005, *few
            )
            for name, accuracy in [("scratch", scratch), ("frozen", frozen), ("tuned", tuned)]:
                accuracies.setdefault((count, name), []).append(100 * accuracy)
    for (count, name), values in accuracies.items():
        mean, half = statistics.mean(values), T * statistics.stdev(values) / len(values) ** 0.5
        each = " ".join(f"{value:.1f}" for value in values)
        print(f"{count:4} {name:8} {mean:.1f} % ({mean - half:.1f} to {mean + half:.1f}): {each}")


main()
