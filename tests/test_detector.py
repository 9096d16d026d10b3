"""Tests for genai_basics.convolutional.detector and .boxes."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics import build_detector, load_data
from genai_basics.convolutional.boxes import (
    boxes_of,
    detection_losses,
    gaussians,
    overlaps,
    varied,
)
from genai_basics.data.writers import rows_to_json

SIZE = (32, 48)  # a heat map of 8 x 12


def small(**arguments):
    arguments = {"filters": (8, 8, 16, 16), "num_classes": 2, "seed": 0, **arguments}
    return build_detector((*SIZE, 1), **arguments)


def maps(*objects, classes=2):
    """Return the heat and reach outputs of a network certain of `objects`: (box, label, logit)."""
    heat = np.full((1, 8, 12, classes), -9.0, "float32")
    reach = np.zeros((1, 8, 12, 4), "float32")
    for (left, top, right, bottom), label, logit in objects:
        row, column = int((top + bottom) / 8), int((left + right) / 8)
        x, y = 4 * column + 2, 4 * row + 2
        heat[0, row, column, label] = logit
        reach[0, row, column] = np.log(np.array([x - left, y - top, right - x, bottom - y]) / 16)
    return heat, reach


@pytest.fixture(scope="module")
def trained():
    data = load_data("scattered_digits")
    model = build_detector(
        data.spec.shape,
        10,
        class_names=data.spec.class_names,
        filters=(16, 24, 32, 48),
        seed=0,
    )
    model.compile(learning_rate=4e-3)
    model.fit(data.train.x, data.train.y, epochs=8, verbose=0)
    return model, data


def test_places_and_distances_make_boxes():
    boxes = ops.convert_to_numpy(boxes_of(ops.zeros((1, 8, 12, 4)), SIZE))
    np.testing.assert_allclose(boxes[0, 0, 0], [2 - 16, 2 - 16, 2 + 16, 2 + 16])
    np.testing.assert_allclose(boxes[0, 3, 5], [22 - 16, 14 - 16, 22 + 16, 14 + 16])


def test_overlaps_match_their_formulas():
    a, b = np.array([0.0, 0, 2, 2]), np.array([1.0, 0, 3, 2])
    iou, giou = overlaps(a, b)
    assert float(iou) == pytest.approx(1 / 3)
    assert float(giou) == pytest.approx(1 / 3)  # the hull has no area outside both boxes
    iou, giou = overlaps(a, np.array([3.0, 0, 5, 2]))
    assert float(iou) == 0.0
    assert float(giou) == pytest.approx(-2 / 10)


def test_gaussian_is_one_at_its_own_place_and_falls_by_its_size():
    bump = ops.convert_to_numpy(gaussians(np.array([[[8.0, 8, 40, 24]]], "float32"), 8, 12, SIZE))
    assert bump.shape == (1, 1, 8, 12)
    assert bump[0, 0, 4, 6] == 1.0
    sigma = 8 * 0.54 / 6  # eight cells wide
    assert bump[0, 0, 4, 7] == pytest.approx(np.exp(-0.5 / sigma**2), rel=1e-5)


def test_decoding_a_case_made_by_hand():
    model = small()
    sure, less, double = (8, 4, 24, 20), (30, 10, 42, 26), (9, 4, 25, 22)
    heat, reach = maps((sure, 0, 4.0), (less, 1, 1.0))
    heat[0, 3, 5, 0], reach[0, 3, 5] = (
        2.0,
        np.log(np.array([22 - 9, 14 - 4, 25 - 22, 22 - 14]) / 16),
    )
    found = {k: ops.convert_to_numpy(v)[0] for k, v in model.decode(heat, reach).items()}
    keep = found["scores"] > 0.1
    np.testing.assert_allclose(found["boxes"][keep], [sure, less], atol=1e-3)
    assert found["labels"][keep].tolist() == [0, 1]
    np.testing.assert_allclose(found["scores"][keep], [1 / (1 + np.exp(-4)), 1 / (1 + np.exp(-1))])
    assert not np.isclose(found["boxes"][keep], double).all(axis=1).any()


def test_objects_of_two_classes_at_one_place_both_stay_and_the_better_is_first():
    heat, reach = maps(((8, 4, 24, 20), 0, 4.0), ((8, 4, 24, 20), 1, 3.0))
    found = {k: ops.convert_to_numpy(v)[0] for k, v in small().decode(heat, reach).items()}
    assert (found["scores"] > 0.1).sum() == 2
    assert found["first"][found["scores"] > 0.1].tolist() == [1, 0]


def test_losses_of_a_perfect_network_are_nothing():
    box, label = (8, 4, 24, 20), 1
    heat = np.full((1, 8, 12, 2), -30.0, "float32")
    heat[0, 3, 4, label] = 30.0
    places = boxes_of(ops.zeros((1, 8, 12, 4)), SIZE)
    middle = ops.convert_to_numpy(places[0, :, :, :2]) + 16.0
    to_sides = np.concatenate([middle - box[:2], box[2:] - middle], axis=-1)
    reach = np.log(np.maximum(to_sides, 0.2) / 16)[None].astype("float32")
    boxes = np.array([[box, (0, 0, 0, 0)]], "float32")
    labels = np.array([[label, -1]], "int32")
    heat_loss, box_loss, objects = detection_losses(heat, reach, boxes, labels, SIZE)
    assert float(heat_loss[0]) == pytest.approx(0.0, abs=1e-5)
    assert float(box_loss[0]) == pytest.approx(0.0, abs=1e-4)
    assert float(objects[0]) == 1.0


def test_heat_loss_is_the_papers_for_a_picture_without_objects():
    heat = np.full((1, 8, 12, 2), -1.0, "float32")
    boxes, labels = np.zeros((1, 1, 4), "float32"), np.full((1, 1), -1, "int32")
    reach = np.zeros((1, 8, 12, 4), "float32")
    heat_loss, box_loss, _ = detection_losses(heat, reach, boxes, labels, SIZE)
    p = 1 / (1 + np.exp(1.0))
    assert float(heat_loss[0]) == pytest.approx(-8 * 12 * 2 * p**2 * np.log(1 - p), rel=1e-4)
    assert float(box_loss[0]) == 0.0


def test_each_box_finds_one_object_of_its_class(monkeypatch):
    model = build_detector((32, 32, 1), 2, class_names=("a", "b"), filters=(4, 4, 4, 4), seed=0)
    left, right = [0, 0, 10, 10], [20, 0, 30, 10]
    found = {"boxes": np.array([left, left, right], "float32"), "labels": np.array(["a", "a", "a"])}
    monkeypatch.setattr(model, "detect", lambda x: [found, {k: v[:0] for k, v in found.items()}])
    true = [{"boxes": [left, [2, 0, 12, 10], right], "labels": ["a", "a", "b"]}]
    true += [{"boxes": [left], "labels": ["b"], "crowd": [True]}]
    missed = model.errors_of(np.zeros((2, 32, 32, 1)), true)
    assert missed.values.tolist() == [0.0, 0.0, 1.0]  # the third box has another class
    assert missed.examples.tolist() == [0, 0, 0]  # crowds cannot be missed
    assert missed.parts.tolist() == ["a", "a", "b"]


def test_augmentation_moves_boxes_with_their_objects():
    x = np.zeros((16, *SIZE, 1), "float32")
    x[:, 8:20, 16:32] = 1.0
    boxes = np.tile(np.array([16.0, 8, 32, 20], "float32"), (16, 1, 1))
    seed = keras.random.SeedGenerator(0)
    moved, found, seen = (ops.convert_to_numpy(v) for v in varied(x, boxes, True, seed))
    for picture, box, there in zip(moved, found[:, 0], seen[:, 0], strict=True):
        bright = picture[..., 0] > (picture.max() + picture[..., 0].mean()) / 2
        rows, columns = np.nonzero(bright)
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        if there:
            np.testing.assert_allclose(extent, box, atol=2.0)


@pytest.mark.slow
def test_scattered_digits_are_found(trained):
    model, data = trained
    metrics, _ = model.report(data.test.x, data.test.y)
    assert metrics["map_50"] > 0.2


@pytest.mark.slow
def test_boxes_are_in_pixels_of_the_picture_given(trained):
    model, data = trained
    picture = data.test.x[0]
    large = picture.repeat(2, axis=0).repeat(2, axis=1)
    once, twice = model.detect([picture], 0.2)[0], model.detect([large], 0.2)[0]
    for box in 2 * once["boxes"][:3]:
        assert np.abs(twice["boxes"] - box).max(axis=1).min() < 5.0
    both = model.detect([picture, large], 0.2)
    np.testing.assert_allclose(both[0]["boxes"], once["boxes"], atol=1e-2)


@pytest.mark.slow
def test_an_object_has_one_label_unless_several_are_asked_for(trained):
    model, data = trained
    for one, all_ in zip(*(model.detect(data.test.x, 0.05, s) for s in (False, True)), strict=True):
        iou = ops.convert_to_numpy(overlaps(one["boxes"][:, None], one["boxes"][None])[0])
        assert (iou[~np.eye(len(iou), dtype=bool)] <= model.max_overlap + 1e-6).all()
        assert len(one["labels"]) <= len(all_["labels"])
        assert set(one["scores"].tolist()) <= set(all_["scores"].tolist())


@pytest.mark.slow
def test_answer_draws_and_writes_coco_results(trained):
    model, data = trained
    rows, drawn = model.answer(data.test.x[:2], threshold=0.2)
    assert drawn[0].shape == (*data.test.x[0].shape[:2], 3)
    assert rows[0]["objects"] == len(rows[0]["boxes"]) == len(rows[0]["scores"])
    rows = [{"input": f"{i}.png", **row} for i, row in enumerate(rows)]
    results = json.loads(rows_to_json(rows, ".json", data.spec))
    if results:
        assert set(results[0]) == {"image_id", "file_name", "category_id", "bbox", "score"}
        left, top, right, bottom = rows[results[0]["image_id"]]["boxes"][0]
        assert results[0]["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=0.1)
    assert len(rows_to_json(rows, ".jsonl", data.spec).splitlines()) == 2


@pytest.mark.slow
def test_saved_detector_finds_the_same(trained, tmp_path):
    model, data = trained
    model.save(tmp_path / "detector.keras")
    loaded = keras.saving.load_model(tmp_path / "detector.keras")
    for a, b in zip(loaded.detect(data.test.x[:3]), model.detect(data.test.x[:3]), strict=True):
        np.testing.assert_array_equal(a["boxes"], b["boxes"])


@pytest.mark.slow
def test_each_object_counts_the_same_in_training_and_each_picture_in_the_audit():
    model = small(augment=False)
    model.compile()
    x = np.random.default_rng(0).integers(0, 255, (2, *SIZE, 1), "uint8")
    one, three = [[4, 4, 20, 20]], [[2, 2, 10, 10], [20, 4, 40, 28], [4, 16, 16, 30]]
    y = [{"boxes": one, "labels": [0]}, {"boxes": three, "labels": [0, 1, 1]}]
    losses = model.losses_by_example(x, y)
    mean = (losses[0] + 3 * losses[1]) / 4
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(
        mean, rel=1e-4
    )
    half = [model.evaluate(x[i : i + 1], y[i : i + 1], verbose=0) for i in range(2)]
    np.testing.assert_allclose([logs[0] for logs in half], losses, rtol=1e-4)


@pytest.mark.slow
def test_pictures_without_objects_and_odd_boxes_train():
    model = small()
    model.compile()
    x = np.zeros((4, *SIZE, 1), "uint8")
    y = [
        {"boxes": np.zeros((0, 4)), "labels": []},
        {"boxes": [[0, 0, 100, 100]], "labels": [0]},  # extends beyond the picture
        {"boxes": [[5, 5, 5, 9]], "labels": [1]},  # has no area
        {"boxes": [[5, 5, 9, 9]], "labels": [1], "crowd": [1]},
    ]
    logs = model.fit(x, y, batch_size=4, verbose=0).history
    assert np.isfinite(logs["loss"][0])
    prepared = model.prepare(x, y)[1]
    assert prepared["labels"].tolist() == [[-1], [0], [-1], [-1]]
    np.testing.assert_allclose(prepared["boxes"][1, 0], [0, 0, 48, 32])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "Received: num_classes=0"),
        ({"class_names": ("a",)}, "Received: 1 names"),
        ({"filters": (8,)}, "Received: filters=\\(8,\\)"),
        ({"max_overlap": 1.5}, "Received: max_overlap=1.5"),
        ({"image_size": 8}, "Received: image_size=8"),
    ],
)
def test_bad_arguments_are_named_in_the_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


def test_bad_data_are_named_in_the_error():
    model = small(class_names=("cat", "dog"))
    x = np.zeros((1, *SIZE, 1), "uint8")
    with pytest.raises(ValueError, match=r"cat, dog\. Received: cow"):
        model.prepare(x, [{"boxes": [[0, 0, 9, 9]], "labels": ["cow"]}])
    with pytest.raises(ValueError, match="a label for each box"):
        model.prepare(x, [{"boxes": [[0, 0, 9, 9]], "labels": []}])
    with pytest.raises(ValueError, match="Received: a picture"):
        model.prepare(np.zeros((1, 8, 8, 3), "uint8"))
