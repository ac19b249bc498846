import io
import subprocess
import sys
import warnings

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from course_lib import plotting


@pytest.fixture(autouse=True)
def style_of_the_course():
    with plt.rc_context():
        plotting.style()
        yield


def bowl(x, y):
    return x**2 + 10 * y**2


def examples():
    torch.manual_seed(0)
    return {
        "layer_histograms": plotting.layer_histograms([torch.randn(50, 4) for _ in range(3)]),
        "lines_over_depth": plotting.lines_over_depth({"a": [1, 2, 3]}, log=True, title="T"),
        "lines_over": plotting.lines_over([1, 10], {"a": [1, 2]}, log="xy", title="T"),
        "training_curves": plotting.training_curves({"a": torch.rand(200), "b": [2.0, 1.0]}),
        "image_grid": plotting.image_grid(torch.rand(5, 8, 8), list("abcde"), columns=3),
        "bars_with_prediction": plotting.bars_with_prediction({"a": 1.0}, {"a": 2.0}),
        "rates_over_steps": plotting.rates_over_steps({"a": [1, 0.5, 0]}, total_steps=2),
        "rate_panels": plotting.rate_panels({"a": [1, 0.5, 0], "b": [1, 1]}, total_steps=2),
        "contour_paths": plotting.contour_paths(
            bowl, {"a": [[1, 1], [0, 0.5]]}, xlim=(-2, 2), ylim=(-1, 2), log=True, minimum=(0, 0)
        ),
        "path_panels": plotting.path_panels(
            bowl, {"a": [[1, 1], [0, 0.5]]}, xlim=(-2, 2), ylim=(-1, 2), log=True, minimum=(0, 0)
        ),
        "point_clouds": plotting.point_clouds({"a": torch.randn(9, 2), "b": [[1.0, 2.0]]}),
        "functions_and_slopes": plotting.functions_and_slopes({"relu": torch.relu}),
        "scores_with_error": plotting.scores_with_error({"a": [1.0, 2.0], "b": torch.rand(5)}),
        "ladder": plotting.ladder(
            {"a": [0.1, 0.2], "b": [0.8, 0.9]}, yours=0.7, cut=0.5, title="T"
        ),
        "timetables": plotting.timetables({"a": [[0.0, 1.0], [1.0, 2.0]]}, {"a": [1.0, 1.0]}),
        "traffic": plotting.traffic({"a": [("load x", 4), ("store y", 4)]}, title="T"),
    }


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def shown_text(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


@pytest.mark.parametrize("name", examples())
def test_every_figure_renders_without_a_warning_and_leaves_none_open(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = examples()[name]
        assert rendered(figure).startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_a_figure_at_the_end_of_a_cell_is_shown_once(monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # as in JupyterLab: the kernel chooses
    cell = "from course_lib import plotting\nplotting.lines_over_depth({'a': [1, 2]})"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    NotebookClient(notebook, timeout=120).execute()
    outputs = notebook.cells[0].outputs
    assert [sorted(output.get("data", {})) for output in outputs] == [["image/png", "text/plain"]]


def test_the_module_needs_nothing_else_of_the_course():
    code = (
        "import sys; import course_lib.plotting, course_lib.data; "
        "print(*sorted(m for m in sys.modules if m.startswith(('course_lib', 'autograder'))))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {m for m in ran.stdout.split() if not m.startswith("course_lib.plotting.")}
    assert loaded == {"course_lib", "course_lib.data", "course_lib.plotting"}


def test_histograms_name_each_layer_and_its_standard_deviation():
    layers = [torch.tensor([-2.0, 2.0]), torch.tensor([-0.5, 0.5])]
    figure = plotting.layer_histograms(layers)
    assert [axes.get_title(loc="center") for axes in figure.axes] == [
        "layer 1\nstd 2",
        "layer 2\nstd 0.5",
    ]


def test_histograms_count_every_value():
    values = torch.randn(321)
    axes = plotting.layer_histograms({"only": values}, bins=7).axes[0]
    assert len(axes.patches) == 7
    assert sum(patch.get_height() for patch in axes.patches) == 321


def test_histograms_share_an_axis_unless_told_otherwise():
    layers = [torch.tensor([-2.0, 2.0]), torch.tensor([-0.5, 0.5])]
    shared = plotting.layer_histograms(layers).axes
    own = plotting.layer_histograms(layers, same_axis=False).axes
    assert [axes.get_xlim() for axes in shared] == [(-2, 2), (-2, 2)]
    assert [axes.get_xlim() for axes in own] == [(-2, 2), (-0.5, 0.5)]


def test_histograms_say_how_much_exploded_and_still_draw():
    figure = plotting.layer_histograms(
        {"some": torch.tensor([1.0, 2.0, float("inf"), float("nan")]), "all": [float("nan")]}
    )
    assert [axes.get_title(loc="center") for axes in figure.axes] == [
        "some\n50% not finite",
        "all\n100% not finite",
    ]
    rendered(figure)


def test_histograms_take_activations_that_require_gradients_and_low_precision():
    layer = torch.randn(20, dtype=torch.bfloat16, requires_grad=True)
    rendered(plotting.layer_histograms([layer]))


def test_many_layers_are_laid_out_in_rows_of_nearly_equal_length():
    figure = plotting.layer_histograms([np.arange(3)] * 10)
    rows = [axes.get_subplotspec().rowspan.start for axes in figure.axes]
    assert [rows.count(row) for row in range(2)] == [5, 5]


def test_lines_over_depth_start_at_layer_one_and_carry_their_labels():
    drawn = lines(plotting.lines_over_depth({"Xavier": [1, 2, 3], "zeros": [5.0, 4.0]}))
    assert set(drawn) == {"Xavier", "zeros"}
    np.testing.assert_array_equal(drawn["Xavier"].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(drawn["zeros"].get_ydata(), [5, 4])
    assert drawn["Xavier"].get_color() != drawn["zeros"].get_color()
    assert drawn["Xavier"].get_marker() != drawn["zeros"].get_marker()


@pytest.mark.parametrize("draw", [plotting.lines_over_depth, plotting.training_curves])
def test_the_vertical_axis_is_logarithmic_only_on_request(draw):
    assert draw({"a": [1, 10]}).axes[0].get_yscale() == "linear"
    assert draw({"a": [1, 10]}, log=True).axes[0].get_yscale() == "log"


@pytest.mark.parametrize("draw", [plotting.lines_over_depth, plotting.training_curves])
def test_titles_axis_labels_and_legend_are_shown(draw):
    figure = draw({"SGD": [1, 2]}, xlabel="epoch", ylabel="accuracy", title="How it went")
    assert {"SGD", "epoch", "accuracy", "How it went"} <= set(shown_text(figure))


def test_a_reference_level_is_dashed_and_not_in_the_legend():
    figure = plotting.lines_over_depth({"a": [1, 2]}, reference=1.0)
    dashed = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == [1.0]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a"]


def test_a_list_of_scalar_tensors_is_a_line():
    drawn = lines(plotting.lines_over_depth({"a": [torch.tensor(1.0), torch.tensor(3.0)]}))
    np.testing.assert_array_equal(drawn["a"].get_ydata(), [1, 3])


def test_a_long_training_curve_is_drawn_raw_and_as_its_median():
    raw = np.random.default_rng(0).normal(size=400)
    figure = plotting.training_curves({"loss": raw})
    pale, strong = figure.axes[0].get_lines()
    np.testing.assert_array_equal(pale.get_ydata(), raw)
    assert strong.get_label() == "loss"
    assert strong.get_ydata().std() < 0.5 * raw.std()
    assert pale.get_color() == strong.get_color()


def test_a_short_training_curve_is_drawn_as_it_is():
    (line,) = plotting.training_curves({"loss": [3.0, 1.0, 2.0]}).axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [3, 1, 2])


def test_a_curve_with_gaps_is_drawn_with_gaps():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plotting.training_curves({"loss": [1.0, float("nan"), float("inf"), 2.0]})
        rendered(figure)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 8])
def test_the_rolling_median_is_that_of_the_window_centered_on_each_value(window):
    line = np.random.default_rng(window).normal(size=60)
    windows = np.lib.stride_tricks.sliding_window_view(line, window)
    ours = plotting.rolling_median(line, window)
    assert len(ours) == len(line)
    start = window // 2
    np.testing.assert_allclose(ours[start : start + len(windows)], np.median(windows, axis=1))


def test_image_grid_shows_every_image_under_its_label():
    images = torch.rand(5, 1, 6, 6)
    figure = plotting.image_grid(images, torch.arange(5), columns=3)
    assert len(figure.axes) == 5
    assert [axes.get_title(loc="center") for axes in figure.axes] == list("01234")
    for axes, image in zip(figure.axes, images, strict=True):
        np.testing.assert_allclose(axes.get_images()[0].get_array(), image[0])


def test_images_are_as_wide_as_asked_and_lying_ones_take_less_height():
    def shape(images, **more):
        return tuple(plotting.image_grid(images, columns=3, **more).get_size_inches())

    small, large = shape(torch.rand(3, 6, 6)), shape(torch.rand(3, 6, 6), size=2.4)
    assert large[0] == pytest.approx(2 * small[0], rel=0.1)
    assert shape(torch.rand(3, 4, 8))[1] < small[1]
    one, two = (shape(torch.rand(3, 6, 6), labels=[text] * 3) for text in ("a", "a\nb"))
    assert two[1] > one[1]


def test_gray_images_share_one_scale():
    figure = plotting.image_grid(torch.stack([torch.zeros(4, 4), torch.ones(4, 4)]))
    assert [axes.get_images()[0].get_clim() for axes in figure.axes] == [(0, 1), (0, 1)]


def test_color_images_keep_their_channels():
    image = torch.rand(1, 3, 4, 5)
    shown = plotting.image_grid(image).axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(shown, image[0].permute(1, 2, 0))


def test_bars_have_the_measured_heights_and_levels_at_the_predictions():
    figure = plotting.bars_with_prediction({"a": 0.5, "b": 0.25, "c": 0.75}, {"c": 0.6, "a": 0.9})
    axes = figure.axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.5, 0.25, 0.75]
    (marks,) = [mark for mark in axes.collections if mark.get_label() == "predicted"]
    assert [segment[0][1] for segment in marks.get_segments()] == [0.9, 0.6]
    assert [np.mean(segment[:, 0]) for segment in marks.get_segments()] == [0, 2]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "a\nmeasured 0.5\npredicted 0.9",
        "b\nmeasured 0.25",
        "c\nmeasured 0.75\npredicted 0.6",
    ]


def test_a_function_is_drawn_with_the_slope_that_autograd_finds():
    figure = plotting.functions_and_slopes({"square": lambda x: x**2}, low=-1.0, high=3.0)
    drawn = lines(figure)
    x = drawn["value"].get_xdata()
    np.testing.assert_allclose(drawn["value"].get_ydata(), x**2)
    np.testing.assert_allclose(drawn["slope"].get_ydata(), 2 * x, atol=1e-12)
    assert {"square", "value", "slope"} <= set(shown_text(figure))


def test_a_slope_that_jumps_is_drawn_with_a_gap():
    slope = lines(plotting.functions_and_slopes({"relu": torch.relu}))["slope"].get_ydata()
    assert np.isnan(slope).sum() == 1
    assert set(slope[~np.isnan(slope)]) == {0.0, 1.0}


def test_scores_show_every_run_and_the_mean_with_its_standard_error():
    runs = {"a": [0.4, 0.5, 0.9], "b": [0.1, 0.2]}
    figure = plotting.scores_with_error(runs, reference=0.5)
    axes = figure.axes[0]
    dots = [line.get_ydata() for line in axes.get_lines() if line.get_marker() == "o"]
    for drawn, scores in zip(dots, runs.values(), strict=True):
        np.testing.assert_allclose(drawn, scores)
    for container, scores in zip(axes.containers, runs.values(), strict=True):
        (bar,) = container.lines[2]
        low, high = bar.get_segments()[0][:, 1]
        error = np.std(scores, ddof=1) / len(scores) ** 0.5
        np.testing.assert_allclose([low, high], [np.mean(scores) - error, np.mean(scores) + error])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]


def test_bars_without_a_prediction_show_only_what_was_measured():
    figure = plotting.bars_with_prediction({"a": 1.0}, {})
    assert "predicted" not in shown_text(figure)


def test_paths_are_drawn_with_their_steps_over_the_surface():
    paths = {"SGD": torch.tensor([[1.0, 1.0], [0.5, -1.0], [0.2, 0.5]]), "Adam": [[1, 1], [0, 0]]}
    axes = plotting.contour_paths(bowl, paths, xlim=(-2, 2), ylim=(-1, 1)).axes[0]
    drawn = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(drawn["SGD"].get_xydata(), paths["SGD"], rtol=1e-6)
    np.testing.assert_array_equal(drawn["Adam"].get_xydata(), paths["Adam"])
    assert axes.get_xlim() == (-2, 2) and axes.get_ylim() == (-1, 1)


def test_a_start_and_a_minimum_are_marked_once():
    paths = {"a": [[1, 1], [0, 0]], "b": [[1, 1], [2, 2]]}
    figure = plotting.contour_paths(bowl, paths, xlim=(-2, 2), ylim=(-1, 1), minimum=(0.0, 0.1))
    points = [tuple(line.get_xydata()[0]) for line in figure.axes[0].get_lines()]
    assert points.count((0.0, 0.1)) == 1 and points.count((1.0, 1.0)) == 3  # ring and two paths


def test_every_path_has_a_panel_with_the_start_and_the_minimum_in_it():
    paths = {"a": [[1, 1], [0, 0]], "b": [[1, 1], [2, 0.5]]}
    figure = plotting.path_panels(bowl, paths, xlim=(-2, 2), ylim=(-1, 1), minimum=(0.0, 0.1))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    for axes, path in zip(figure.axes, paths.values(), strict=True):
        ring, cross, drawn = axes.get_lines()
        assert tuple(ring.get_xydata()[0]) == (1, 1) and tuple(cross.get_xydata()[0]) == (0.0, 0.1)
        np.testing.assert_array_equal(drawn.get_xydata(), path)


def test_equal_lines_over_one_x_are_drawn_in_different_styles():
    drawn = lines(plotting.lines_over([1, 10, 100], {"a": [3, 2, 1], "b": [3, 2, 1]}, log="x"))
    for line in drawn.values():
        np.testing.assert_array_equal(line.get_xydata(), [[1, 3], [10, 2], [100, 1]])
    assert drawn["a"].is_dashed() != drawn["b"].is_dashed()
    axes = drawn["a"].axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")


def test_a_film_of_paths_is_small_needs_no_file_and_leaves_no_figure_open():
    paths = {"a": np.linspace([1.5, 0.8], [0, 0], 50)}
    film = plotting.animated_paths(bowl, paths, xlim=(-2, 2), ylim=(-1, 1), log=True, frames=6)
    page = film.data
    assert page.count("data:image/jpeg;base64") == 6
    assert len(page) < 400_000
    assert "http" not in page and "fa fa-" not in page
    assert plt.get_fignums() == []


def test_rates_start_at_step_zero_and_each_holds_until_the_next():
    drawn = lines(plotting.rates_over_steps({"steps": [1.0, 0.5, 0.25]}))["steps"]
    np.testing.assert_array_equal(drawn.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(drawn.get_ydata(), [1, 0.5, 0.25])
    assert drawn.get_drawstyle() == "steps-post"
    rare = lines(plotting.rates_over_steps({"rare": [1.0, 0.5]}, every=20))["rare"]
    np.testing.assert_array_equal(rare.get_xdata(), [0, 20])


def test_rates_that_coincide_are_all_seen():
    drawn = lines(plotting.rates_over_steps({"below": [1.0, 0.5], "above": [1.0, 0.5]}))
    assert drawn["below"].get_linewidth() > drawn["above"].get_linewidth()


def test_every_schedule_has_a_panel_on_the_same_axes_and_a_dot_after_its_last_step():
    figure = plotting.rate_panels({"a": [1, 0.5, 0.25, 0.1], "b": [3, 2, 1, 0]}, total_steps=3)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1
    dots = [line for axes in figure.axes for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(3, 0.1), (3, 0)]


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda: plotting.layer_histograms([]), "activations: got none"),
        (lambda: plotting.layer_histograms([[]]), "activations: got a layer without values"),
        (lambda: plotting.layer_histograms([[1.0]], bins=0), "bins: got 0"),
        (lambda: plotting.lines_over_depth({}), "values: got dict of 0"),
        (lambda: plotting.lines_over_depth([1, 2]), "values: got list of 2"),
        (lambda: plotting.lines_over_depth({"a": [[1, 2]]}), r"a: got shape \(1, 2\)"),
        (lambda: plotting.lines_over([1, 2], {"a": [1]}), "a: got 1 values, allowed are 2"),
        (lambda: plotting.lines_over([1], {"a": [1]}, log="z"), "log: got 'z'"),
        (lambda: plotting.training_curves({"a": []}), r"a: got shape \(0,\)"),
        (lambda: plotting.training_curves({"a": [1]}, window=0), "window: got 0"),
        (lambda: plotting.image_grid(torch.rand(4, 4)), r"images: got shape \(4, 4\)"),
        (lambda: plotting.image_grid(torch.rand(1, 2, 4, 4)), r"images: got shape \(1, 2, 4, 4\)"),
        (lambda: plotting.image_grid(torch.rand(2, 4, 4), ["a"]), "labels: got 1"),
        (lambda: plotting.image_grid(torch.rand(2, 4, 4), columns=0), "columns: got 0"),
        (lambda: plotting.image_grid(torch.rand(2, 4, 4), size=0), "size: got 0"),
        (lambda: plotting.bars_with_prediction({}, {}), "measured: got dict of 0"),
        (lambda: plotting.rates_over_steps({}), "rates: got dict of 0"),
        (lambda: plotting.rates_over_steps({"a": [1]}, every=0), "every: got 0"),
        (lambda: plotting.rate_panels({"a": [[1]]}), r"a: got shape \(1, 1\)"),
        (lambda: plotting.rate_panels({"a": [1]}, columns=0), "columns: got 0"),
        (
            lambda: plotting.path_panels(
                bowl, {"a": [[1, 2]]}, xlim=(0, 1), ylim=(0, 1), columns=0
            ),
            "columns: got 0",
        ),
        (lambda: plotting.bars_with_prediction({"a": 1}, {"b": 1}), "predicted: got b"),
        (
            lambda: plotting.contour_paths(bowl, {}, xlim=(0, 1), ylim=(0, 1)),
            "paths: got dict of 0",
        ),
        (
            lambda: plotting.contour_paths(bowl, {"a": [1, 2]}, xlim=(0, 1), ylim=(0, 1)),
            r"a: got shape \(2,\)",
        ),
        (
            lambda: plotting.contour_paths(bowl, {"a": [[1, 2]]}, xlim=(1, 0), ylim=(0, 1)),
            r"xlim: got \(1, 0\)",
        ),
        (
            lambda: plotting.contour_paths(
                lambda x, y: x, {"a": [[1, 2]]}, xlim=(-1, 1), ylim=(0, 1), log=True
            ),
            "loss: got a value below 0",
        ),
        (
            lambda: plotting.animated_paths(
                bowl, {"a": [[1, 2]]}, xlim=(0, 1), ylim=(0, 1), frames=1
            ),
            "frames: got 1",
        ),
        (lambda: plotting.functions_and_slopes({}), "functions: got dict of 0"),
        (lambda: plotting.functions_and_slopes({"a": torch.relu}, low=1, high=1), "low and high"),
        (lambda: plotting.scores_with_error({"a": [1.0]}), "a: got a single run"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(draw, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        draw()


def test_the_colors_stay_apart_for_red_green_blindness():
    """Machado, Oliveira & Fernandes 2009, full protanopia and deuteranopia, in linear light."""
    protan = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
              [-0.003882, -0.048116, 1.051998]]  # fmt: skip
    deutan = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
              [-0.011820, 0.042940, 0.968881]]  # fmt: skip
    colors = np.array([matplotlib.colors.to_rgb(color) for color in plotting.PALETTE])
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    for matrix in (protan, deutan):
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.4)
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        assert distances[~np.eye(len(seen), dtype=bool)].min() > 0.1


def test_point_clouds_share_one_scale_around_zero():
    figure = plotting.point_clouds({"near": [[0.1, 0.2]], "far": [[-4.0, 1.0], [2.0, 0.0]]})
    limits = {axes.get_xlim() for axes in figure.axes} | {axes.get_ylim() for axes in figure.axes}
    assert limits == {(-4.2, 4.2)}
    assert [axes.get_title(loc="center") for axes in figure.axes] == ["near", "far"]


def test_point_clouds_draw_every_point_and_pass_over_those_that_are_not_finite():
    figure = plotting.point_clouds({"a": torch.tensor([[1.0, 2.0], [float("nan"), 0.0]])})
    assert len(figure.axes[0].collections[0].get_offsets()) == 2
    assert figure.axes[0].get_xlim() == (-2.1, 2.1)
    rendered(figure)


@pytest.mark.parametrize("cloud", [[1.0, 2.0], [[1.0, 2.0, 3.0]], torch.empty(0, 2)])
def test_point_clouds_refuse_what_is_not_in_the_plane(cloud):
    with pytest.raises(ValueError, match=r"^odd: got shape .*allowed is \(N, 2\)"):
        plotting.point_clouds({"odd": cloud})


def test_a_timetable_draws_each_stage_at_work_and_says_what_is_idle():
    starts = torch.tensor([[0.0, 1.0, 2.0], [1.0, 4.0, 7.0]])
    figure = plotting.timetables({"two stages": starts}, {"two stages": [1.0, 3.0]})
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "two stages: 40 % idle"  # 12 of 20
    spans = [
        path.get_extents().intervalx.tolist()
        for collection in axes.collections
        for path in collection.get_paths()
    ]
    whole = [0.0, 10.0]
    assert spans == [
        whole, [0.0, 1.0], [1.0, 2.0], [2.0, 3.0], whole, [1.0, 4.0], [4.0, 7.0], [7.0, 10.0],
    ]  # fmt: skip
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2"] * 2
    rendered(figure)


def test_a_timetable_needs_a_duration_for_every_stage():
    with pytest.raises(ValueError, match=r"^a: got starts \(2, 3\) and 1 durations"):
        plotting.timetables({"a": torch.zeros(2, 3)}, {"a": [1.0]})


def test_what_lies_left_of_the_cut_is_told_and_not_drawn():
    far, near = [0.1, 0.3], [0.8, 1.0]
    axes = plotting.ladder({"far": far, "near": near}, yours=0.05, cut=0.5).axes[0]
    assert axes.get_xlim()[0] > 0.5
    assert [text.get_text() for text in axes.texts] == ["0.2", "◂", "0.9   +0.7"]
    alone = plotting.ladder({"far": far}, yours=0.05, cut=0.5).axes[0]
    assert alone.get_xlim()[0] < 0.05 and alone.get_xlim()[1] > 0.3


def test_traffic_is_drawn_in_its_order_and_added_up():
    rows = {"two": [("load x", 4), ("store y", 2)], "one": [("store y", 3)]}
    (axes,) = plotting.traffic(rows).axes
    assert [(box.get_x(), box.get_width()) for box in axes.patches] == [(0, 4), (4, 2), (0, 3)]
    assert len({box.get_facecolor() for box in axes.patches[:2]}) == 2
    assert [text.get_text().strip() for text in axes.texts] == ["x", "y", "6", "y", "3"]


def test_traffic_is_loaded_or_stored():
    with pytest.raises(ValueError, match="^a: got 'x', allowed are “load …” and “store …”"):
        plotting.traffic({"a": [("x", 4)]})
