"""The forecaster: its inputs, scales, metrics, bad input."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from keras import ops

from genai_basics import build_forecaster, load_data
from genai_basics.cli.main import cli
from genai_basics.data.forecast import history_for_spec

TIME = np.arange(400)
SERIES = (10 + 3 * np.sin(2 * np.pi * TIME / 12) + 0.01 * TIME).astype("float32")


@pytest.fixture(scope="module")
def model():
    model = build_forecaster(horizon=6, season=12, units=16, seed=0)
    model.compile(learning_rate=5e-3)
    model.fit(SERIES[:300], epochs=6, batch_size=32, verbose=0)
    return model


@pytest.mark.slow
def test_it_beats_the_last_season_where_there_is_a_trend(model):
    own = np.arange(400) >= 300
    metrics, intervals = model.report(SERIES, own)
    assert metrics["mase"] < metrics["mase_seasonal_naive"]
    assert intervals["mae"][0] <= metrics["mae"] <= intervals["mae"][1]


def test_losses_and_errors_are_those_of_forecasts_that_do_not_overlap(model):
    own = np.arange(400) >= 340
    targets, quantiles, _ = model.backtest(SERIES, own)
    error = targets[..., None] - quantiles
    q = np.array(model.quantiles)
    pinball = np.maximum(q * error, (q - 1) * error).mean(axis=(1, 2, 3)) / SERIES[:300].std()
    np.testing.assert_allclose(model.losses_by_example(SERIES, own), pinball[::6], rtol=1e-4)
    found = model.errors_of(SERIES, own)
    assert found.examples.tolist() == list(range(340, 395, 6))
    assert set(found.parts) == {"x0"}
    absolute = np.abs(error[..., 2]).mean(axis=(1, 2)) / float(model.naive_error[0])
    np.testing.assert_allclose(found.values, absolute[::6], rtol=1e-4)


def test_it_sees_no_future(model):
    changed = SERIES.copy()
    changed[300:] = 1e3
    own = np.arange(400) >= 294
    one = model.backtest(SERIES, own)[1]
    other = model.backtest(changed, own)[1]
    np.testing.assert_array_equal(one[0], other[0])  # at the first origin, nothing has changed yet
    assert not np.allclose(one[-1], other[-1])
    history = SERIES[:300]
    np.testing.assert_array_equal(model.forecast(history), model.forecast(SERIES[:300].copy()))


def test_only_the_window_counts_and_quantiles_never_cross(model):
    early = SERIES[:300].copy()
    early[: 300 - model.window] = -50
    np.testing.assert_array_equal(model.forecast(early), model.forecast(SERIES[:300]))
    assert (np.diff(model.forecast(SERIES[:300]), axis=-1) >= 0).all()


def test_targets_of_a_part_are_its_own_steps(model):
    own = np.arange(400) >= 380
    _, places = model.preprocessor.places(SERIES, own)
    assert places[:, 1].tolist() == list(range(380, 395))


@pytest.mark.slow
def test_units_do_not_matter():
    def forecast_in(scale, shift):
        model = build_forecaster(horizon=2, units=4, seed=0)
        model.compile()
        series = SERIES[:120] * scale + shift
        model.fit(series, epochs=1, verbose=0)
        return (model.forecast(series) - shift) / scale

    np.testing.assert_allclose(forecast_in(1.0, 0.0), forecast_in(1000.0, 5e4), rtol=2e-3)


def test_the_loss_is_the_pinball_loss_in_spreads(model):
    windows, targets = model.prepare(SERIES[:60])
    inputs, targets = model.preprocessor({k: v[:] for k, v in windows.items()}), targets[:]
    terms = model.loss_terms(inputs, targets)
    error = targets[..., None] - ops.convert_to_numpy(model(inputs))
    q, spread = np.array(model.quantiles), float(model.preprocessor.spread[0])
    expected = np.maximum(q * error, (q - 1) * error).mean(axis=(1, 2, 3)) / spread
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-4)
    np.testing.assert_allclose(terms["mae"], np.abs(error[..., 2]).mean(axis=(1, 2)), rtol=1e-4)


def test_paths_follow_the_quantiles_and_repeat(model):
    paths = model.sample(4000, seed=0, history=SERIES[:300])
    assert paths.shape == (4000, 6)
    np.testing.assert_array_equal(paths[:10], model.sample(4000, seed=0, history=SERIES[:300])[:10])
    quantiles = model.forecast(SERIES[:300])
    spread = quantiles[:, -1] - quantiles[:, 0]
    found = np.quantile(paths, model.quantiles, axis=0).T
    assert (np.abs(found - quantiles) < 0.1 * spread[:, None]).all()


@pytest.mark.slow
def test_known_covariates_and_several_series_and_targets():
    rng = np.random.default_rng(0)
    holiday = rng.integers(0, 2, 300)
    series = [
        np.stack([5 * holiday + i, 2 * holiday, holiday], axis=1).astype("float32") for i in (0, 7)
    ]
    model = build_forecaster(
        ("sales", "visits", "holiday"), ("sales", "visits"), horizon=2, known=("holiday",), units=8
    )
    model.compile(learning_rate=2e-2)
    model.fit(series, epochs=8, verbose=0)
    closed, opened = (
        model.forecast(series[0], future=np.full((2, 1), value))[:, 0, 2] for value in (0, 1)
    )
    assert (opened - closed > 2).all(), "what is known ahead decides"
    with pytest.raises(ValueError, match="`future` must hold holiday of the next 2 steps"):
        model.forecast(series[0])


def test_a_constant_series_is_forecast_as_constant():
    model = build_forecaster(horizon=2, units=4, seed=0)
    model.compile()
    model.fit(np.full(80, 7.0), epochs=3, verbose=0)
    np.testing.assert_allclose(model.forecast(np.full(40, 7.0))[:, 2], 7.0, atol=0.2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.arange(20.0), r"window \+ horizon = 24 \+ 6 steps.*Received: 20 steps"),
        (np.array([1.0, np.nan] * 40), "finite numbers: fill gaps first"),
        (np.zeros((50, 3)), r"channels x0: shape \(time, 1\). Received: shape \(50, 3\)"),
        (np.array(["a"] * 50), "finite numbers"),
    ],
)
def test_bad_series_are_one_sentence(x, message):
    model = build_forecaster(horizon=6, units=4)
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(x, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon=0"),
        ({"targets": ("y",)}, "`targets` must be among `columns`, x0. Received: y"),
        ({"quantiles": (0.1, 0.9)}, "hold 0.5"),
    ],
)
def test_bad_arguments_of_the_builder(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_forecaster(**arguments)


def test_a_horizon_beyond_what_was_built_for(model):
    with pytest.raises(ValueError, match=r"`horizon` must be from 1 to 6.*Received: horizon=9"):
        model.forecast(SERIES, 9)
    with pytest.raises(ValueError, match=r"at least 24 steps. Received: 5 steps"):
        model.forecast(SERIES[:5])


@pytest.mark.slow
def test_held_out_steps_say_how_wide_the_band_must_be(tmp_path):
    rng = np.random.default_rng(0)
    series = rng.normal(0, 1, 700).astype("float32")
    own = np.arange(500) >= 300
    model = build_forecaster(horizon=1, units=4, quantiles=(0.1, 0.5, 0.9), seed=0)
    model.compile()
    model.fit(series[:300], epochs=1, validation_data=(series[:500], own), verbose=0)
    told = model.report(series[:500], own)[0]["coverage_80"]
    assert told == pytest.approx(0.805, abs=0.006), "80% of those that it was fitted to, and one"
    new = model.report(series, np.arange(700) >= 500)[0]["coverage_80"]
    assert 0.7 <= new <= 0.9
    model.save(tmp_path / "m.keras")
    twin = keras.models.load_model(tmp_path / "m.keras")
    assert float(twin.widening[0]) == float(model.widening[0]) != 1.0
    np.testing.assert_array_equal(twin.forecast(series), model.forecast(series))


def test_without_held_out_steps_the_quantiles_stay(model):
    np.testing.assert_array_equal(model.widening, 1.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A run on sales that double on holidays, and the lines of its file."""
    folder = tmp_path_factory.mktemp("shop")
    days = np.datetime64("2024-01-01") + np.arange(120)
    holiday = np.random.default_rng(0).integers(0, 2, 120)
    pairs = zip(days, holiday, strict=True)
    lines = ["date,sales,holiday", *(f"{day},{10 + 10 * h},{h}" for day, h in pairs)]
    (folder / "sales.csv").write_text("\n".join(lines))
    command = "train forecaster --target sales --horizon 3 --known holiday,week_sin --set units=8"
    command += " --learning-rate 0.02 --epochs 40 --no-audit --quiet"
    paths = ["--data", str(folder / "sales.csv"), "--out", str(folder / "run")]
    result = CliRunner().invoke(cli, [*command.split(), *paths])
    assert result.exit_code == 0, result.output
    return folder, lines


def forecast_of(shop, *rows):
    folder, lines = shop
    path = folder / "ahead.csv"
    path.write_text("\n".join([*lines, *rows]))
    return CliRunner().invoke(cli, ["predict", str(folder / "run"), str(path), "--json"])


@pytest.mark.slow
def test_predict_reads_what_is_known_ahead_from_rows_without_target(shop):
    found = {}
    for holidays in ("010", "101"):
        days = ("2024-04-30", "2024-05-01", "2024-05-02")
        rows = (f"{day},,{h}" for day, h in zip(days, holidays, strict=True))
        result = forecast_of(shop, *rows)
        assert result.exit_code == 0, result.output
        found[holidays] = [json.loads(line)["sales_0.5"] for line in result.stdout.splitlines()]
    assert len(found["010"]) == 3
    difference = np.subtract(found["101"], found["010"])
    assert (difference * [1, -1, 1] > 3).all()


@pytest.mark.slow
def test_forecasts_carry_their_dates(shop, tmp_path):
    """They follow the last day of the data, in the table, in JSON and in the file."""
    days = ["2024-04-30", "2024-05-01", "2024-05-02"]
    rows = [f"{day},,0" for day in days]
    assert [
        json.loads(line)["time"] for line in forecast_of(shop, *rows).stdout.splitlines()
    ] == days
    run = [str(shop[0] / name) for name in ("run", "ahead.csv")]
    table = CliRunner().invoke(cli, ["predict", *run]).stdout
    assert all(day in table for day in days)
    out = tmp_path / "next.csv"
    assert CliRunner().invoke(cli, ["predict", *run, "--out", str(out)]).exit_code == 0
    with out.open(newline="") as file:
        assert [row["time"] for row in csv.DictReader(file)] == days


@pytest.mark.slow
def test_predict_says_which_rows_are_missing(shop):
    result = forecast_of(shop, "2024-04-30,,1")
    assert result.exit_code == 1
    assert (
        "there must be 3 rows with holiday of the steps to forecast. Received: 1" in result.output
    )
    assert "Traceback" not in result.output


def test_the_calendar_of_steps_ahead_needs_no_rows(tmp_path):
    days = np.datetime64("2024-01-01") + np.arange(30)
    path = tmp_path / "s.csv"
    path.write_text("\n".join(["date,value", *(f"{d},{i % 7}" for i, d in enumerate(days))]))
    spec = load_data(path).spec
    spec = dataclasses.replace(spec, known=("week_sin", "week_cos"), ahead=9)
    _, [x] = history_for_spec(path, spec)
    assert x.shape == (39, len(spec.columns))
    assert np.isnan(x[30:, 0]).all()
    assert np.isfinite(x[:30, 0]).all()
    np.testing.assert_allclose(x[7:, 1:3], x[:-7, 1:3], atol=1e-6)  # the weekly cycle continues
