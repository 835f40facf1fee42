"""Scores of scikit-learn, and the calibration error by NumPy, for tests/metrics.rs: python generate.py > scores.json

Outputs are those of a network in float32; probabilities are taken from them in float64, as `predict` gives them.
"""
import json

import numpy as np
from sklearn.metrics import (accuracy_score, average_precision_score, balanced_accuracy_score, log_loss,
                             mean_absolute_error, mean_squared_error, precision_recall_fscore_support, r2_score,
                             roc_auc_score)

rng = np.random.default_rng(7)
cases = []


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_class(truth, said, classes):
    precision, recall, f1, rows = precision_recall_fscore_support(truth, said, labels=range(classes), zero_division=0)
    return {"precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "rows": rows.tolist()}


def ranks(truth, scores):
    """Means over the columns that have both kinds of rows."""
    both = [j for j in range(truth.shape[1]) if 0 < truth[:, j].sum() < len(truth)]
    auc = [roc_auc_score(truth[:, j], scores[:, j]) for j in both]
    precision = [average_precision_score(truth[:, j], scores[:, j]) for j in both]
    return {"roc_auc": float(np.mean(auc)), "average_precision": float(np.mean(precision))}


def calibration_error(confidence, right):
    """Equation 3 of Guo et al. 2017 with 15 bins, open below and closed above."""
    bins = np.digitize(confidence, np.linspace(0, 1, 16)[1:-1], right=True)
    parts = [np.abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(np.sum(parts))


def case(name, answer, loss, outputs, targets, expected):
    outputs = np.asarray(outputs, dtype=np.float32)
    cases.append({"name": name, "answer": answer, "loss": loss, "width": outputs.shape[1],
                  "outputs": [float(z) for z in outputs.ravel()], "targets": targets, "expected": expected})


def classes(name, outputs, labels, log=True, one_hot_loss=None):
    """Of an output for each class and a loss against the one-hot class, probabilities do not add up to 1, or there are none."""
    z = np.asarray(outputs, dtype=np.float32).astype(np.float64)
    labels = np.asarray(labels)
    binary = z.shape[1] == 1
    links = {None: softmax, "one_hot_binary_cross_entropy": sigmoid, "one_hot_mse": lambda z: z}
    p = np.column_stack([1 - sigmoid(z[:, 0]), sigmoid(z[:, 0])]) if binary else links[one_hot_loss](z)
    said = (z[:, 0] > 0).astype(int) if binary else z.argmax(axis=1)
    count = p.shape[1]
    counts = np.bincount(labels, minlength=count)
    one_hot = (labels[:, None] == np.arange(count)).astype(int)
    of = slice(1, None) if count == 2 else slice(None)
    expected = {"accuracy": accuracy_score(labels, said), "balanced_accuracy": balanced_accuracy_score(labels, said),
                **by_class(labels, said, count), **ranks(one_hot[:, of], p[:, of]),
                "baseline": float(counts.max() / len(labels))}
    if one_hot_loss != "one_hot_mse":
        expected["ece"] = calibration_error(p.max(axis=1), said == labels)
    if log and not one_hot_loss:
        expected["log_loss"] = log_loss(labels, p, labels=range(count))
    if len(np.unique(labels)) == count and not one_hot_loss:
        whole = roc_auc_score(labels, p[:, 1]) if count == 2 else roc_auc_score(labels, p, multi_class="ovr")
        assert abs(whole - expected["roc_auc"]) < 1e-12
    loss = one_hot_loss or ("binary_cross_entropy" if binary else "cross_entropy")
    case(name, "binary" if binary else "class", loss, outputs, labels.tolist(), expected)


def labels(name, outputs, truth):
    z = np.asarray(outputs, dtype=np.float32).astype(np.float64)
    said = (z > 0).astype(int)
    precision, recall, f1, rows = precision_recall_fscore_support(truth, said, zero_division=0)
    share = truth.mean(axis=0)
    expected = {"accuracy": float((said == truth).mean()), "precision": precision.tolist(), "recall": recall.tolist(),
                "f1": f1.tolist(), "rows": rows.tolist(), **ranks(truth, sigmoid(z)),
                "baseline": float(np.maximum(share, 1 - share).mean()),
                "ece": calibration_error(np.maximum(sigmoid(z), 1 - sigmoid(z)).ravel(), (said == truth).ravel())}
    case(name, "labels", "binary_cross_entropy", outputs, truth.ravel().tolist(), expected)


def numbers(name, outputs, truth):
    truth = truth.astype(np.float32).astype(np.float64)
    z = np.asarray(outputs, dtype=np.float32).astype(np.float64)
    mean = np.broadcast_to(truth.mean(axis=0), truth.shape)
    expected = {"mse": mean_squared_error(truth, z), "rmse": mean_squared_error(truth, z) ** 0.5,
                "mae": mean_absolute_error(truth, z), "r2": r2_score(truth, z, multioutput="variance_weighted"),
                "baseline_rmse": mean_squared_error(truth, mean) ** 0.5,
                "baseline_mae": mean_absolute_error(truth, mean)}
    case(name, "numbers", "mse", outputs, truth.ravel().tolist(), expected)


def logits(rows, count, truth, strength):
    z = rng.normal(size=(rows, count))
    z[np.arange(rows), truth] += strength
    # Few decimals, so that many are equal.
    return z.round(1)


truth = rng.integers(0, 4, 60)
classes("four classes with ties", logits(60, 4, truth, 1.0), truth)
truth = rng.choice(5, 50, p=[0.5, 0.0, 0.3, 0.0, 0.2])
classes("classes without a row", logits(50, 5, truth, 0.7), truth)
truth = (rng.random(80) < 0.15).astype(int)
classes("two classes of two outputs", logits(80, 2, truth, 0.8), truth)
classes("two classes of one output", (truth * 1.2 + rng.normal(size=80) - 0.6).round(1)[:, None], truth)
classes("one class is said alone", np.column_stack([np.full(80, 3.0), rng.normal(size=80).round(1)]), truth)
truth = rng.integers(0, 3, 30)
classes("certain answers, right and wrong", logits(30, 3, truth, 1.0).round() * 60.0, truth, log=False)
truth = (rng.random((40, 3)) < [0.5, 0.1, 0.8]).astype(int)
labels("three labels", (truth * 1.5 + rng.normal(size=(40, 3)) - 0.7).round(1), truth)
truth = rng.normal(20, 7, (25, 1)).round(3)
numbers("a number", truth + rng.normal(size=(25, 1)), truth)
numbers("a number that is not found", np.full((25, 1), 14.0), truth)
truth = np.column_stack([rng.normal(0, 1, 25), rng.normal(1e6, 300, 25)]).round(2)
numbers("two numbers of other sizes", truth + rng.normal(size=(25, 2)), truth)
truth = rng.integers(0, 4, 60)
classes("a sigmoid for each class", logits(60, 4, truth, 1.5), truth, one_hot_loss="one_hot_binary_cross_entropy")
classes("a number for each class", (logits(60, 4, truth, 1.5) / 3).round(2), truth, one_hot_loss="one_hot_mse")
truth = rng.integers(0, 2, 40)
classes("a sigmoid for each of two classes", logits(40, 2, truth, 1.0), truth, one_hot_loss="one_hot_binary_cross_entropy")

print("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]")
