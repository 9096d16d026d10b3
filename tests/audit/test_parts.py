"""Parts of the audit, against planted truth and numbers known from mathematics."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genai_basics import load_data
from genai_basics.audit import (
    Audit,
    check_data,
    compare_shares,
    copied_text,
    drop_suspects,
    epsilon_spent,
    find_copies,
    find_duplicates,
    membership,
    personal_data,
    worst_groups,
)
from genai_basics.audit.balance import clusters, neighbours_label
from genai_basics.audit.example_checks import check_membership
from genai_basics.audit.neighbours import as_vectors, nearest
from genai_basics.audit.verbatim import Index, as_symbols
from genai_basics.data import Part
from genai_basics.metrics.intervals import area_under_curve, share_interval


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_membership_is_inferred_from_the_rows_of_a_table_not_from_its_columns():
    class Model:
        membership_score = "loss"

        def losses_by_example(self, x, y):
            return x["a"] * 0.0

    part = Part({"a": np.arange(30.0), "b": np.arange(30.0)}, np.zeros(30, "int64"))
    run, found = SimpleNamespace(spec=SimpleNamespace(kind="tables"), model=Model()), Audit()
    check_membership(run, part, part, 20, 0, found)
    assert found.metrics["membership_auc"] == 0.5
    assert found.intervals["membership_auc"] == area_under_curve(np.zeros(20), np.zeros(20))[1]


# Neighbours and copies.


def test_nearest_neighbours_are_those_of_a_full_table(rng):
    a, b = rng.normal(size=(40, 6)), rng.normal(size=(9000, 6)) + 100
    table = np.linalg.norm(a[:, None] - b, axis=2)
    indices, distances = nearest(a, b, 3)
    np.testing.assert_array_equal(indices, table.argsort(axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(table, axis=1)[:, :3], rtol=1e-4)
    assert (nearest(b[:20], b, itself=True)[0][:, 0] != np.arange(20)).all()


def test_large_pictures_are_averaged_down():
    assert as_vectors(np.zeros((2, 256, 256, 3), "uint8")).shape == (2, 32 * 32 * 3)
    assert as_vectors(np.ones((2, 128, 128, 1)))[0, 0] == 1.0


def test_copies_among_new_samples_are_counted(rng):
    train, held_out, new = (rng.normal(size=(n, 10)) for n in (500, 400, 300))
    assert not find_copies(new, train, held_out).is_copier
    mixed = np.concatenate([new, train[:30] + 0.01 * rng.normal(size=(30, 10))])
    found = find_copies(mixed, train, held_out)
    assert found.is_copier
    assert found.share == pytest.approx(30 / 330, abs=0.03)
    assert set(found.worst(30)) == set(range(300, 330))
    np.testing.assert_array_equal(found.neighbours[300:, 0], np.arange(30))


def test_copies_are_found_without_held_out_data(rng):
    train, new = rng.normal(size=(500, 10)), rng.normal(size=(300, 10))
    assert not find_copies(new, train).is_copier
    assert find_copies(train[:100] + 0.001, train).share > 0.9


def test_blurred_samples_are_no_copies(rng):
    train, held_out = rng.normal(size=(500, 10)), rng.normal(size=(400, 10))
    assert not find_copies(0.3 * rng.normal(size=(300, 10)), train, held_out).is_copier


def test_copies_that_pixels_hide_are_found_by_features(rng):
    def view(n):
        return rng.normal(size=(n, 3))

    train, held_out, new = view(500), view(400), view(300)
    hidden = np.concatenate([new, train[:60] + 0.001 * rng.normal(size=(60, 3))])

    def pixels(x):  # much else goes on in them
        return np.concatenate([x, rng.normal(size=(len(x), 40))], axis=1)

    shown = [pixels(part) for part in (hidden, train, held_out)]
    assert not find_copies(*shown).is_copier
    found = find_copies(*shown, features=(hidden, train, held_out))
    assert found.is_copier
    assert found.share == pytest.approx(60 / 360, abs=0.05)
    assert [share > 0.1 for share, _ in found.views] == [False, True]
    np.testing.assert_array_equal(found.originals[300:], np.arange(60))


def test_two_views_accuse_no_more_than_one(rng):
    accused = 0
    for _ in range(40):
        pixels = [rng.normal(size=(n, 10)) for n in (300, 200, 150)]
        features = [rng.normal(size=(n, 4)) for n in (300, 200, 150)]
        accused += find_copies(*pixels, features=features).is_copier
    assert accused <= 1


def test_copies_of_duplicates_are_told(rng):
    train = rng.normal(size=(300, 10))
    train[:100] = train[0]
    found = find_copies(np.repeat(train[:1] + 0.001, 50, axis=0), train, rng.normal(size=(200, 10)))
    assert found.share == 1.0
    assert found.duplicated == 1.0


def test_duplicates_within_and_across():
    groups = find_duplicates(np.array([[1, 2], [3, 4], [1, 2]]), np.array([[3, 4]]))
    assert groups == [[(0, 0), (0, 2)], [(0, 1), (1, 0)]]


# Leakage.


def test_the_area_is_sklearns_and_its_interval_holds_the_truth(rng):
    truth = 0.7602  # for N(1, 1) against N(0, 1)
    inside = 0
    for _ in range(200):
        a, b = rng.normal(1, 1, 80), rng.normal(0, 1, 120)
        area, (low, high) = area_under_curve(a, b)
        inside += low <= truth <= high
    assert area == pytest.approx(roc_auc_score([1] * 80 + [0] * 120, [*a, *b]))
    assert 180 <= inside <= 198  # 95% intervals


def test_an_unseen_sample_leaks_nothing(rng):
    inside = 0
    for seed in range(40):
        facts = rng.normal(size=(600, 5))
        losses = facts[:, 0] ** 2 + 0.1 * rng.normal(size=600)
        metrics, intervals = membership(
            losses[:300], losses[300:], facts[:300], facts[300:], seed=seed
        )
        low, high = intervals["calibrated_auc"]
        inside += low <= 0.5 <= high
    assert inside >= 34
    assert set(metrics) == {"membership_auc", "calibrated_auc", "true_positives_at_1"}


def test_calibration_sees_a_leak_that_difficulty_hides(rng):
    facts = rng.normal(size=(4000, 3))
    losses = 10 * facts[:, 0] ** 2 + rng.normal(size=4000)
    losses[:2000] -= 2.0  # members are learned slightly better than equally hard non-members
    metrics, _ = membership(losses[:2000], losses[2000:], facts[:2000], facts[2000:])
    assert metrics["calibrated_auc"] > metrics["membership_auc"] + 0.1
    assert 0 < metrics["true_positives_at_0.1"] < metrics["true_positives_at_1"]


def test_few_held_out_examples_give_no_figure_that_they_cannot():
    metrics, _ = membership(np.zeros(50), np.ones(50))
    assert metrics == {"membership_auc": 1.0}


# Balance and groups.


def test_a_class_that_is_missing_is_named():
    data = np.repeat([0, 1, 2], 300)
    rows = compare_shares(data, np.repeat([0, 1], 150), ["a", "b", "c"])
    assert [row["differs"] for row in rows] == [True, True, True]
    assert rows[2]["samples"] == 0.0
    same = compare_shares(data, np.repeat([0, 1, 2], 100), ["a", "b", "c"])
    assert not any(row["differs"] for row in same)


def test_labels_by_neighbours():
    assert neighbours_label(np.array([[0, 1, 2], [3, 1, 2]]), [5, 7, 7, 9]).tolist() == [7, 7]
    assert neighbours_label(np.array([[0, 1]]), [5, 7]).tolist() == [5]  # ties go to the nearest


def test_clusters_are_found(rng):
    points = np.repeat(np.eye(4) * 50, 100, axis=0) + rng.normal(size=(400, 4))
    first, second = clusters(points, points[:100])
    assert len(set(second)) < len(set(first))


def test_the_group_served_worst_is_named_and_noise_is_not():
    errors = np.array([1, 0] * 50 + [0] * 900)
    rows = worst_groups(errors, ["theo"] * 100 + ["jackson"] * 450 + ["lucas"] * 450)
    assert rows[0]["group"] == "theo"
    assert rows[0]["differs"]
    assert rows[0]["low"] < 0.5 < rows[0]["high"]
    noise = worst_groups([1, 0, 0, 0, 0, 0, 0, 0], ["a"] * 4 + ["b"] * 4)
    assert not any(row["differs"] for row in noise)


def test_objects_of_one_picture_count_for_fewer(rng):
    clusters = np.repeat(np.arange(40), 10)
    alone = together = 0
    for _ in range(100):
        errors = np.repeat(rng.integers(0, 2, 40), 10)  # each picture is entirely right or wrong
        groups = np.repeat(rng.permutation(np.arange(40) % 2), 10)
        alone += worst_groups(errors, groups)[0]["differs"]
        together += worst_groups(errors, groups, clusters)[0]["differs"]
    assert alone > 30
    assert together <= 8


def test_groups_of_losses_are_compared_by_their_means(rng):
    losses = rng.normal(size=300) + np.repeat([0, 0, 1], 100)
    rows = worst_groups(losses, np.repeat(["a", "b", "c"], 100))
    assert [row["group"] for row in rows if row["differs"] and row["error"] > row["rest"]] == ["c"]


def test_wilsons_interval_is_that_of_the_books():
    low, high = share_interval(10, 100)
    assert (low, high) == pytest.approx((0.0552, 0.1744), abs=1e-4)


# Texts.


def test_the_longest_runs_are_those_of_a_search():
    train = ["the cat sat on the mat", "dogs run", "aaaa"]
    queries = ["a cat sat on dogs mat", "zzz", "dogs run fast", "aaaaaaa", ""]
    found = Index([as_symbols(text) for text in train]).longest_runs(map(as_symbols, queries))
    for query, runs in zip(queries, found, strict=True):
        for start, run in enumerate(runs):
            lengths = range(len(query) - start + 1)
            whole = [n for n in lengths if any(query[start : start + n] in text for text in train)]
            assert run == max(whole)


def test_a_copied_passage_is_found_in_a_text(rng):
    words = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(300)]
    corpus = " ".join(rng.choice(words, 20_000))
    held_out = " ".join(rng.choice(words, 4000))
    fresh = " ".join(rng.choice(words, 200))
    metrics, passages = copied_text([fresh, fresh[:500] + corpus[700:1200]], [corpus], [held_out])
    assert metrics["longest_run"] >= 500
    assert passages[0][:2] == (metrics["longest_run"], 1)
    assert metrics["copied"] == pytest.approx(500 / 2200, abs=0.05)
    assert metrics["copied_by_chance"] < 0.02
    honest, _ = copied_text([fresh], [corpus], [held_out])
    assert honest["copied"] < 0.02


def test_whole_samples_are_looked_up():
    metrics, _ = copied_text(["ann", "bob", "eve"], ["ann", "bob", "cy"], ["bob", "dan", "flo"])
    assert metrics["samples_seen"] == pytest.approx(2 / 3)
    assert metrics["samples_seen_by_chance"] == pytest.approx(1 / 3)


def test_copied_bars_are_found_in_music(rng):
    piece = [tuple(chord) for chord in rng.integers(40, 80, (300, 4))]
    other = [tuple(chord) for chord in rng.integers(40, 80, (300, 4))]
    metrics, passages = copied_text([other[:40] + piece[100:160]], [piece], [other[50:]])
    assert metrics["longest_run"] == 60
    assert passages[0] == (60, 0, 40)


# Data before training.


def test_duplicates_and_leaks_are_counted_and_dropped(rng):
    x = rng.integers(0, 256, (300, 8, 8, 1)).astype("uint8")
    data = load_data((x, rng.integers(0, 3, 300)))
    train, test = data.train, data.test
    train.x[5], train.x[6], train.x[7] = train.x[4], train.x[4], test.x[0]
    found = check_data(data)
    assert found.metrics["duplicates"] == 2
    assert found.metrics["leaks"] == 1
    assert len(found.findings) >= 2
    clean = drop_suspects(data, found, ["duplicates", "leaks"])
    assert len(clean.train) == len(train) - 3
    assert check_data(clean).metrics["duplicates"] == 0
    assert len(clean.test) == len(test)
    with pytest.raises(ValueError, match="Received: drop='all'"):
        drop_suspects(data, found, ["all"])


def test_a_speaker_on_both_sides_is_named(rng):
    data = load_data(rng.normal(size=(200, 4)).astype("float32"))
    everyone = np.array([f"s{i}" for i in range(200)])
    everyone[[3, 50, 190]] = "theo"
    parts, start = {}, 0
    for name in ("train", "validation", "test"):
        part = getattr(data, name)
        groups = {"speaker": everyone[start : start + len(part)]}
        parts[name], start = dataclasses.replace(part, groups=groups), start + len(part)
    data = dataclasses.replace(data, **parts)
    found = check_data(data)
    (sentence,) = found.findings
    assert "speaker theo" in sentence
    assert "--group speaker" in sentence
    clean = drop_suspects(data, found, ["groups"])
    assert "theo" not in set(clean.train.groups["speaker"])
    assert len(clean.train) == len(data.train) - 2
    assert not check_data(clean).findings


def test_an_unknown_group_lists_the_columns():
    with pytest.raises(ValueError, match="Received: group='speaker'"):
        check_data(load_data("digits"), group="speaker")


def test_a_tenth_of_a_class_that_is_missing_shows(rng):
    y = np.repeat(np.arange(10), 3000)
    y = np.delete(y, np.flatnonzero(y == 3)[:300])
    data = load_data((rng.normal(size=(len(y), 4)).astype("float32"), y))
    found = check_data(data)
    row = next(row for row in found.classes if row["class"] == "3")
    assert row["of_median"] == pytest.approx(0.9, abs=0.01)
    assert any("Class 3" in sentence for sentence in found.findings)
    assert sum("Class" in sentence for sentence in found.findings) == 1


def test_wrong_labels_are_suspected():
    data = load_data("digits")
    before = check_data(data)
    wrong = np.arange(0, len(data.train), 20)
    data.train.y[wrong] = (data.train.y[wrong] + 1) % 10
    found = check_data(data)
    suspects = {row["index"] for row in found.suspects["labels"]}
    assert len(suspects & set(wrong)) > 0.7 * len(wrong)
    assert len(suspects - set(wrong)) < 20
    assert len(found.findings) > len(before.findings)


def test_personal_data_is_found_and_other_numbers_are_not():
    text = (
        "Mail a.b@example.co.uk or call +44 20 7946 0958, (212) 555-0142. Card 4111 1111 1111 1111,"
        " not 4111 1111 1111 1112; version 1.2.3.4 of 2021-10-11, ISBN 978-3-16-148410-0, 12345678,"
        " +3.140000."
    )
    assert personal_data(text) == [
        ("e-mail address", "a.b@example.co.uk"),
        ("card number", "4111 1111 1111 1111"),
        ("telephone number", "+44 20 7946 0958"),
        ("telephone number", "(212) 555-0142"),
    ]


def test_personal_data_can_be_dropped():
    texts = [f"line {i} of nothing" for i in range(60)]
    texts[7] = "write to eve@example.org"
    data = load_data((texts, ["a", "b"] * 30), kind="text")
    found = check_data(data)
    assert "1 e-mail address" in found.findings[-1]
    assert "eve@" not in str(found.to_config())  # masked, since a run folder may be shared
    clean = drop_suspects(data, found, ["personal"])
    assert not any("eve@" in text for text in clean.train.x)


def test_places_in_pictures_are_found(tmp_path, rng):
    from PIL import Image

    for i in range(40):
        picture = Image.fromarray(rng.integers(0, 256, (16, 16, 3)).astype("uint8"))
        exif = Image.Exif()
        if i == 3:
            exif[0x013B] = "A. Photographer"
            exif.get_ifd(0x8825)[1] = "N"
        picture.save(tmp_path / f"{i:02d}.jpg", exif=exif)
    found = check_data(load_data(tmp_path))
    assert found.metrics["pictures_with_personal_metadata"] == 1
    assert {row["what"] for row in found.suspects["metadata"]} == {"artist", "place"}


# Privacy.


def test_epsilon_is_that_of_the_published_example():
    """60,000 examples, batches of 150, noise 1.3, 15 epochs: Rényi divergences give 0.7242
    (the test of TensorFlow Privacy's calculator); a tighter accountant must not exceed it."""
    accounting = pytest.importorskip("dp_accounting")
    from dp_accounting import rdp

    event = accounting.PoissonSampledDpEvent(150 / 60_000, accounting.GaussianDpEvent(1.3))
    renyi = rdp.RdpAccountant()
    renyi.compose(event, 15 * 400)
    ours = epsilon_spent(1.3, 150 / 60_000, 15 * 400, 1e-5)
    assert 0.55 < ours < 0.7242
    assert ours < renyi.get_epsilon(1e-5) <= 0.7243


@pytest.mark.parametrize(("n", "sentence"), [(1, "is only one picture"), (3, "are only 3 pict")])
def test_a_handful_of_pictures_is_said(n, sentence):
    x = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 1), dtype="uint8")
    (finding,) = check_data(load_data(x, test=0, validation=0)).findings
    assert sentence in finding
