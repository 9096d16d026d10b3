"""Tests for genai_basics.plotting: figures show the data, and files are never partial."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from genai_basics import plotting
from genai_basics.plotting import overlays

HISTORY = [
    {"step": 10 * i, "loss": 9.0 / i, "kl": float(i), "learning_rate": 1e-3} for i in (1, 2, 3)
]
HISTORY[1]["val_loss"] = 5.0
HISTORY[2]["val_loss"] = 4.0


def test_curves_have_a_panel_for_each_metric_with_validation_beside():
    figure = plotting.curves(HISTORY, best=20)
    loss, kl = figure.axes
    assert [axis.get_title("left") for axis in figure.axes] == ["loss", "kl"]
    training, validation, best = loss.lines
    assert best.get_xdata() == [20, 20]
    assert training.get_xydata().tolist() == [[10, 9], [20, 4.5], [30, 3]]
    assert validation.get_xydata().tolist() == [[20, 5], [30, 4]]
    assert len(kl.lines) == 2


def test_curves_leave_out_what_is_not_finite():
    rows = [{"epoch": 1, "loss": float("nan")}, {"epoch": 2, "loss": 1.0, "note": "text"}]
    (axis,) = plotting.curves(rows).axes
    assert axis.lines[0].get_xydata().tolist() == [[2, 1]]
    with pytest.raises(ValueError, match="Received: none"):
        plotting.curves([])


def test_confusion_matrix_writes_the_counts():
    figure = plotting.confusion_matrix([[3, 1], [0, 2]], ["cat", "dog"])
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ["3", "1", "2"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["cat", "dog"]
    with pytest.raises(ValueError, match="each of 3 names"):
        plotting.confusion_matrix([[3, 1], [0, 2]], ["a", "b", "c"])


PICTURES = np.random.default_rng(0).integers(256, size=(6, 8, 8, 1), dtype="uint8")
FIGURES = {
    "reconstructions": lambda: plotting.reconstructions(PICTURES, PICTURES / 255.0),
    "latent_plane": lambda: plotting.latent_plane(PICTURES.reshape(2, 3, 8, 8)),
    "latent_plane_rgb": lambda: plotting.latent_plane(
        np.zeros((2, 2, 4, 4, 3)), extent=(-2, 2, -2, 2)
    ),
    "forecast": lambda: plotting.forecast(
        np.arange(20.0), np.arange(5.0), np.zeros((5, 3)), levels=(0.1, 0.5, 0.9), truth=np.ones(5)
    ),
    "attention": lambda: plotting.attention(np.eye(2, 3), ["a", "b", "c"], ["x", "y"]),
    "rate_distortion": lambda: plotting.rate_distortion({"ours": [(0.5, 30), (0.1, 22)]}),
    "boxes": lambda: plotting.draw_boxes(PICTURES[0], [[1, 1, 5, 6]], ["cell"], [0.9]),
    "pictures": lambda: plotting.pictures(PICTURES, list("abcdef"), [False, True]),
    "piano_rolls": lambda: plotting.piano_rolls([[[60, 48], [-1, 48]]], ["sample"]),
    "scatter": lambda: plotting.scatter(np.arange(5.0), np.arange(5.0)[::-1]),
    "side_by_side": lambda: plotting.side_by_side({"a": PICTURES, "b": PICTURES / 255.0}),
    "spectrograms": lambda: plotting.spectrograms([np.eye(9)], ["12"], [True], seconds=0.01),
    "table": lambda: plotting.table([["a $b$", 0.5]], ["text", "score"], [True]),
    "heat": lambda: plotting.heatmap_over(PICTURES[0], np.eye(4)),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_every_picture_can_be_saved(name, suffix, tmp_path):
    path = plotting.save(FIGURES[name](), tmp_path / "new" / f"{name}{suffix}")
    with Image.open(path) as picture:
        picture.load()
        assert np.ptp(np.asarray(picture)) > 100
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "curves.png"
    plotting.curves(HISTORY, path)
    before = path.read_bytes()

    class Broken:
        def savefig(self, path, **options):
            path.write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        plotting.save(Broken(), path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_boxes_are_drawn_where_they_are_on_a_copy():
    image = np.zeros((100, 200, 3), "uint8")
    drawn = np.asarray(plotting.draw_boxes(image, [[20, 30, 60, 80]]))
    rows, columns = np.nonzero(drawn.sum(2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 80, 20, 60)
    assert image.max() == 0
    assert drawn[50, 40].sum() == 0
    colours = np.asarray(
        plotting.draw_boxes(image, [[1, 50, 9, 90], [99, 50, 120, 90]], ["a", "b"])
    )
    assert colours[70, 1].tolist() != colours[70, 99].tolist()
    assert np.asarray(plotting.draw_boxes(image, np.zeros((0, 4)))).max() == 0


def test_labels_of_boxes_do_not_hide_each_other():
    taken = []
    for shift in range(8):
        box = [20 + shift, 30, 60 + shift, 80]
        taken.append(overlays._free_place((30, 12), box, (100, 120), taken))
    for i, (left, top, right, bottom) in enumerate(taken):
        assert 0 <= left < right <= 100
        assert 0 <= top < bottom <= 120
        for other in taken[:i]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_a_class_has_one_colour_in_all_pictures():
    image, names = np.zeros((100, 120, 3), "uint8"), ["cell", "plate"]
    alone = plotting.draw_boxes(image, [[20, 30, 60, 80]], ["plate"], class_names=names)
    beside = plotting.draw_boxes(
        image, [[70, 30, 110, 80], [20, 30, 60, 80]], ["cell", "plate"], class_names=names
    )
    assert alone.getpixel((20, 60)) == beside.getpixel((20, 60)) != beside.getpixel((70, 60))


def test_heat_reddens_the_hot_side_only():
    image = np.full((10, 40, 3), 128, "uint8")
    warm = np.asarray(plotting.heatmap_over(image, [[0.0, 0.0, 0.0, 1.0]])).astype(int)
    assert (warm[:, :10] == 128).all()
    assert (warm[:, -1] != 128).any()
    assert (np.asarray(plotting.heatmap_over(image, np.zeros((2, 2)))) == 128).all()


def test_pyplot_is_left_alone():
    code = (
        "import sys; from genai_basics import plotting;"
        "plotting.curves([{'step': 1, 'loss': 1.0}]); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_forecast_stands_at_its_dates():
    times = np.datetime64("2024-01", "M") + np.arange(27)
    figure = plotting.forecast(np.arange(24.0), np.arange(3.0), times=times)
    (axis,) = figure.axes
    lines = {line.get_label(): np.asarray(line.get_xdata()) for line in axis.lines}
    assert lines["past"].tolist() == times[:24].tolist()
    assert lines["forecast"].tolist() == times[24:].tolist()
    figure.canvas.draw()
    assert "2025" in " ".join(tick.get_text() for tick in axis.get_xticklabels())
