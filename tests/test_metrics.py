"""Tests for genai_basics.metrics, against closed forms, brute force and other packages."""

import doctest
import math
import sys

import numpy as np
import pytest

from genai_basics import extras, metrics
from genai_basics.metrics import pictures, predictions, samples, text_scores


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("module", [extras, pictures, predictions, samples, text_scores])
def test_the_examples_are_true(module):
    for package in ("sacrebleu", "jiwer", "skimage", "pycocotools"):
        pytest.importorskip(package)
    failed, tried = doctest.testmod(module)
    assert tried >= 1
    assert failed == 0


# samples against samples


def test_frechet_distance_of_gaussians_is_the_closed_form(rng):
    real = rng.normal(size=(200_000, 2)) * [1.0, 2.0]
    fake = rng.normal(size=(200_000, 2)) * [3.0, 1.0] + [1.0, 0.0]
    # diagonal covariances: |m|^2 + sum (s_r - s_f)^2
    assert metrics.frechet_distance(real, fake) == pytest.approx(1 + 4 + 1, rel=0.02)


def test_frechet_distance_equals_the_formula_with_scipys_root(rng):
    from scipy.linalg import sqrtm

    real, fake = rng.normal(size=(50, 4)), rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = np.square(real.mean(0) - fake.mean(0)).sum()
    expected = gap + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert metrics.frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(fake, real) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_singular_covariances(rng):
    few = rng.normal(size=(5, 64))
    assert metrics.frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet_distance(few, few + 1) == pytest.approx(64, rel=1e-6)
    assert metrics.frechet_distance(few[:, :1], few[:, :1] + 1) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("k", [1, 3])
def test_neighbour_metrics_equal_brute_force(rng, k):
    from scipy.spatial.distance import cdist

    real, fake = rng.normal(size=(40, 3)), 0.7 * rng.normal(size=(30, 3)) + 0.5
    radius = {name: np.sort(cdist(a, a), 1)[:, k] for name, a in (("r", real), ("f", fake))}
    between = cdist(fake, real)
    inside = between <= radius["r"]
    assert metrics.precision_recall(real, fake, k) == {
        "precision": inside.any(1).mean(),
        "recall": (radius["f"] >= between.T).any(1).mean(),
    }
    report = metrics.density_coverage(real, fake, k)
    assert report["density"] == pytest.approx(inside.sum() / (k * len(fake)))
    assert report["coverage"] == inside.any(0).mean()


def test_neighbour_metrics_in_blocks_and_with_duplicates(rng):
    real = rng.normal(size=(1500, 2)) + 1000  # more than one block, far from zero
    assert metrics.precision_recall(real, real[:1100]) == {"precision": 1.0, "recall": 1.0}
    assert metrics.precision_recall(real, real + 100) == {"precision": 0.0, "recall": 0.0}
    same = np.repeat(real[:3], 8, axis=0)  # every radius is 0
    assert metrics.density_coverage(same, same)["coverage"] == 1.0


@pytest.mark.parametrize("bad", [np.zeros((1, 2)), np.zeros(4), np.full((9, 2), np.nan)])
def test_bad_features_are_named(bad):
    with pytest.raises(ValueError, match="`fake` must be finite features"):
        metrics.frechet_distance(np.zeros((9, 2)), bad)


def test_ngram_jsd_is_a_divergence():
    assert metrics.ngram_jsd(["a b a"], ["a b a"]) == pytest.approx(0)
    assert metrics.ngram_jsd(["ab"], ["cd"], n=1, level="character") == pytest.approx(1)
    # p = (1/2, 1/2), q = (1, 0): H(3/4, 1/4) - (1 + 0) / 2
    expected = -0.75 * math.log2(0.75) - 0.25 * math.log2(0.25) - 0.5
    assert metrics.ngram_jsd(["a b"], ["a a"], n=1) == pytest.approx(expected)
    with pytest.raises(ValueError, match="3-grams"):
        metrics.ngram_jsd(["a b"], ["a"], n=3)
    assert metrics.ngram_jsd(["a b c"], ["a"], n=3) == 1  # nothing in common


def test_novelty_of_arrays():
    real = np.arange(8).reshape(2, 4)
    assert metrics.novelty(real, np.stack([real[1], real[1] + 1])) == 0.5


def test_active_units_counts_variances_above_the_threshold(rng):
    means = rng.normal(size=(1000, 3)) * [1.0, 0.2, 0.05]
    assert metrics.active_units(means) == 2
    assert metrics.active_units(means, threshold=0.5) == 1


# predictions


@pytest.fixture
def classified(rng):
    labels = rng.integers(4, size=300)
    logits = rng.normal(size=(300, 4)) + 1.5 * np.eye(4)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_classification_report_equals_scikit_learns(classified):
    from sklearn import metrics as sklearn

    labels, probabilities = classified
    report, intervals = metrics.classification_report(labels, probabilities)
    guess = probabilities.argmax(1)
    expected = {
        "accuracy": sklearn.accuracy_score(labels, guess),
        "balanced_accuracy": sklearn.balanced_accuracy_score(labels, guess),
        "f1_macro": sklearn.f1_score(labels, guess, average="macro"),
        "log_loss": sklearn.log_loss(labels, probabilities),
    }
    for name, value in expected.items():
        assert report[name] == pytest.approx(value, rel=1e-9)
    for name in expected:  # the calibration error of a bootstrap sample is biased upwards
        low, high = intervals[name]
        assert low < report[name] < high
        assert (low + high) / 2 == pytest.approx(report[name], rel=0.1)


def test_the_interval_of_an_accuracy_is_as_wide_as_the_binomials(rng):
    correct = rng.random(400) < 0.8
    low, high = metrics.bootstrap_interval(correct)
    width = 2 * 1.96 * math.sqrt(correct.mean() * (1 - correct.mean()) / 400)
    assert high - low == pytest.approx(width, rel=0.1)
    assert metrics.bootstrap_interval(correct) == (low, high)
    assert metrics.bootstrap_interval(correct, np.median) == (1.0, 1.0)
    with pytest.raises(ValueError, match="Received: confidence=95"):
        metrics.bootstrap_interval(correct, confidence=95)


def test_perfect_predictions():
    labels = np.arange(6) % 3
    report, intervals = metrics.classification_report(labels, np.eye(3)[labels], ["a", "b", "c"])
    perfect = {"accuracy": 1, "balanced_accuracy": 1, "f1_macro": 1}
    assert report == {**perfect, "calibration_error": 0, "log_loss": 0}
    assert set(intervals.values()) == {(1.0, 1.0), (0.0, 0.0)}
    assert metrics.regression_report([1.0, 2.0], [1.0, 2.0])[0] == {"mae": 0, "rmse": 0, "r2": 1}


def test_names_and_numbers_and_one_column_mean_the_same():
    second = np.array([0.2, 0.7, 0.6])
    names = metrics.classification_report(["no", "yes", "no"], second, ["no", "yes"])
    assert names == metrics.classification_report([0, 1, 0], np.stack([1 - second, second], 1))
    assert names == metrics.classification_report([[0], [1], [0]], second[:, None])
    with pytest.raises(ValueError, match="Received: \\['maybe'\\]"):
        metrics.classification_report(["maybe"], [0.5], ["no", "yes"])
    with pytest.raises(ValueError, match="classes from 0 to 1"):
        metrics.classification_report([2], [0.5])
    with pytest.raises(ValueError, match="Received: 1 for 2"):
        metrics.classification_report([0, 1], [0.5])


def test_a_class_that_does_not_occur_is_left_out():
    report, _ = metrics.classification_report([0, 0, 1], np.eye(3)[[0, 0, 1]])
    assert report["balanced_accuracy"] == report["f1_macro"] == 1


def test_calibration_error_of_calibrated_and_of_certain_predictions(rng):
    second = rng.random(200_000)
    labels = (rng.random(200_000) < second).astype(int)
    assert metrics.calibration_error(labels, second) < 0.01
    assert metrics.calibration_error(labels, (second > 2).astype(float)) == pytest.approx(
        0.5, abs=0.01
    )


def test_confusion_matrix_has_a_row_for_each_true_class():
    matrix = metrics.confusion_matrix([0, 0, 1, 3], [0, 1, 1, 0], num_classes=4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_regression_report_of_several_outputs(rng):
    from sklearn.metrics import r2_score

    y = rng.normal(size=(80, 2))
    f = y + 0.3 * rng.normal(size=(80, 2))
    report, intervals = metrics.regression_report(y, f)
    assert report["r2"] == pytest.approx(r2_score(y, f))
    assert all(low < report[name] < high for name, (low, high) in intervals.items())
    with pytest.raises(ValueError, match="as many values"):
        metrics.regression_report(y, f[:, :1])


# forecasts


def test_mase_of_repeating_the_season_is_one(rng):
    series = np.tile([1.0, 5.0, 2.0], 20) + np.arange(60)
    history, future = series[:57], series[57:]
    assert metrics.mase(future, history[-3:], history, season=3) == pytest.approx(1)
    assert metrics.mase(future, future, history, season=3) == 0
    with pytest.raises(ValueError, match="Received: season=57"):
        metrics.mase(future, future, history, season=57)


def test_pinball_is_least_at_the_quantile(rng):
    y = rng.normal(size=20_000)
    losses = {q: metrics.pinball(y, np.full((len(y), 1), q), [0.9]) for q in (1.0, 1.2816, 1.6)}
    assert min(losses, key=losses.get) == 1.2816
    assert metrics.pinball([1.0, 3.0], [[0.0], [4.0]], [0.5]) == 0.5  # half the absolute error


def test_coverage_of_a_normal_interval(rng):
    y = rng.normal(size=20_000)
    assert metrics.coverage(y, np.full_like(y, -1.96), np.full_like(y, 1.96)) == pytest.approx(
        0.95, abs=0.005
    )


# pictures


def test_psnr_and_ssim(rng):
    pytest.importorskip("skimage")
    clean = rng.integers(256, size=(3, 16, 16, 3))
    noisy = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255)
    from skimage.metrics import peak_signal_noise_ratio

    expected = [
        peak_signal_noise_ratio(a, b, data_range=255) for a, b in zip(clean, noisy, strict=True)
    ]
    assert metrics.psnr(clean, noisy) == pytest.approx(np.mean(expected))
    assert metrics.psnr(clean, clean) == math.inf
    assert metrics.ssim(clean, noisy) < metrics.ssim(clean, clean) == pytest.approx(1)
    with pytest.raises(ValueError, match="the shape of `originals`"):
        metrics.psnr(clean, noisy[:1])


def detected(boxes, labels, scores=None):
    picture = {"boxes": boxes, "labels": labels}
    return picture if scores is None else {**picture, "scores": scores}


def test_detection_report_of_a_case_by_hand():
    pytest.importorskip("pycocotools")
    targets = [
        detected([[0, 0, 10, 10], [20, 20, 40, 40]], ["red", "white"]),
        detected([[0, 0, 10, 10]], ["red"]),
    ]
    # red: the more confident box misses, the second hits with IoU 0.8: precisions 0/1, 1/2
    predictions = [
        detected([[0, 0, 8, 10], [20, 20, 40, 40]], ["red", "white"], [0.8, 0.9]),
        detected([[50, 50, 60, 60]], [0], [0.9]),
    ]
    report = metrics.detection_report(targets, predictions, ["red", "white", "blue"])
    # one of two objects is found at precision 1/2: 51 of the 101 recall points
    assert report["ap_50_red"] == pytest.approx(0.5 * 51 / 101)
    assert report["ap_50_white"] == pytest.approx(1)
    assert report["map_50"] == pytest.approx((1 + 0.5 * 51 / 101) / 2)
    # red's IoU of 0.8 passes 7 of the thresholds 0.5, 0.55 … 0.95
    assert report["map_50_95"] == pytest.approx((1 + 0.7 * 0.5 * 51 / 101) / 2)
    assert "ap_50_blue" not in report


def test_detection_report_of_nothing_found():
    pytest.importorskip("pycocotools")
    empty = detected(np.zeros((0, 4)), [], [])
    targets = [detected([[0, 0, 5, 5]], [0]), detected([], [])]
    assert metrics.detection_report(targets, [empty, empty], ["red"]) == {
        "map_50": 0.0,
        "map_50_95": 0.0,
        "ap_50_red": 0.0,
    }


# text


def test_bleu_takes_the_best_of_several_references():
    pytest.importorskip("sacrebleu")
    hypotheses = ["the cat sat on the mat", "he is here now today"]
    references = [["nothing like it at all", "the cat sat on the mat"], "he is here now today"]
    assert metrics.bleu(hypotheses, references) == pytest.approx(100)
    assert metrics.chrf(hypotheses, references) == pytest.approx(100)
    assert metrics.bleu(["wholly other words stand there"], ["he is here now today"]) == 0
    with pytest.raises(ValueError, match="Received: 1 for 2"):
        metrics.bleu(["one"], ["one", "two"])


def test_error_rates_are_over_all_references_together():
    pytest.importorskip("jiwer")
    # one substitution and one insertion over 1 + 3 words
    assert metrics.word_error_rate(["one", "two three four"], ["won", "two three four five"]) == 0.5
    assert metrics.character_error_rate(["ab", "cd"], ["ab", "xyz"]) == 0.75


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(ImportError, match=r"pip install 'genai_basics\[translate\]'"):
        metrics.bleu(["a"], ["a"])
