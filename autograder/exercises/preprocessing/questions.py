"""Predictions before the lab's experiments, the reflection after them, and what is no exercise.

Outcomes are computed here by the experiment itself, on a smaller scale where that changes nothing.
"""

import functools

import torch

from autograder.exercises.preprocessing.lab import lab
from course_lib import data
from course_lib.preprocessing import gradient_descent_steps, largest_stable_rate, standardize

MEAN_SHAPES = ("(C,)", "(C, H, W)", "(N, C)", "a single number")


def _shape_of_the_mean():
    n, c, h, w = 2, 3, 4, 5
    shape = tuple(torch.zeros(n, c, h, w).mean(dim=0).shape)
    names = {(c,): 0, (c, h, w): 1, (n, c): 2, (): 3}
    return MEAN_SHAPES[names[shape]]


lab.prediction(
    "shape_of_the_mean",
    title="Predict: a line of the lecture notes",
    statement="""The notes: *“subtract one number per color”*, and beside it the code
`X -= np.mean(X, axis=0)`. `X` holds N color images, in torch's order (N, C, H, W). What is the shape
of `np.mean(X, axis=0)`?""",
    minutes=1,
    syllabus=("3.1",),
    choices=MEAN_SHAPES,
    outcome=_shape_of_the_mean,
    explanation="""Only the axis of the examples is averaged over; color, row and column stay. This
is the mean image, C·H·W numbers. One number per color is the mean over the axes 0, 2 and 3 (0, 1
and 2 where colors stand last).""",
)

DIGITS = (
    "it gets better, as with the wines",
    "it stays the same, to within half a percent",
    "it gets worse",
)


def _neighbors(x_train, y_train, x_test, y_test, k=5):
    nearest = torch.cdist(x_test, x_train).topk(k, largest=False).indices
    return float((y_train[nearest].mode(dim=1).values == y_test).float().mean())


@functools.cache
def _digits_by_their_neighbors():
    digits = data.digits()
    x_train, x_test = digits.x_train.flatten(1), digits.x_test.flatten(1)
    raw = _neighbors(x_train, digits.y_train, x_test, digits.y_test)
    scaled = _neighbors(
        standardize(x_train, x_train), digits.y_train, standardize(x_train, x_test), digits.y_test
    )
    if abs(scaled - raw) < 0.005:
        return DIGITS[1]
    return DIGITS[0] if scaled > raw else DIGITS[2]


lab.prediction(
    "standardized_digits",
    title="Predict: does standardization always help?",
    statement="""Classifying wines by their five nearest neighbors, standardization raised the test
accuracy from 74 % to 97 %. Now the same classifier on the digits of scikit-learn: 64 features, the
gray values of 8×8 pixels. Some pixels at the edges hardly ever have any ink. What does
standardizing the 64 pixels do to the test accuracy?""",
    minutes=2,
    syllabus=("3.2",),
    choices=DIGITS,
    outcome=_digits_by_their_neighbors,
    explanation="""All pixels share one scale already. Standardization gives a pixel at the edge
that is nearly always empty the same weight as one in the middle: a speck of ink there becomes a value
of up to 38, and decides who is near to whom.""",
)

SINGLE_ROW = (
    "the same as with the training data's constants",
    "zeros (or NaN), whatever the row is",
    "ones, whatever the row is",
)


def _row_by_itself():
    row = torch.tensor([[3.0, -1.0, 700.0]])
    return SINGLE_ROW[1] if not standardize(row, row).any() else SINGLE_ROW[0]


lab.prediction(
    "one_test_row",
    title="Predict: a single test example",
    statement="""Your program standardizes each feature of whatever table it is given *with the mean
and standard deviation of what it is given*. On tables of a thousand test examples nobody noticed.
Now a user sends **one** row. What does the network get to see?""",
    minutes=1,
    syllabus=("3.5",),
    choices=SINGLE_ROW,
    outcome=_row_by_itself,
    explanation="""The mean of one row is the row itself. The less there is in a batch, the more of
its content goes with its mean; with the training data's constants the size of the batch does not
matter.""",
)

CORRELATIONS = ("0", "somewhere between 0 and 0.9", "0.9, as before", "more than 0.9")


def _correlation_of_standardized():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 2, generator=generator)
    x[:, 1] = 30 * (0.9 * x[:, 0] + (1 - 0.81) ** 0.5 * x[:, 1]) + 5
    before, after = torch.corrcoef(x.T)[0, 1], torch.corrcoef(standardize(x, x).T)[0, 1]
    if abs(after) < 0.05:
        return CORRELATIONS[0]
    if abs(after - before) < 1e-3:
        return CORRELATIONS[2]
    return CORRELATIONS[1] if after < before else CORRELATIONS[3]


lab.prediction(
    "correlation_of_standardized",
    title="Predict: standardized and correlated",
    statement="""Two features have a correlation of 0.9. Both are standardized. What is their
correlation now?""",
    minutes=1,
    syllabus=("3.4",),
    choices=CORRELATIONS,
    outcome=_correlation_of_standardized,
    explanation="""A correlation *is* the covariance of standardized features. Standardization works
on each feature by itself and cannot know how two of them move together. For that, one has to
rotate.""",
)

OPTIMA = (
    "clearly better on the training data",
    "the same, up to rounding",
    "clearly worse on the training data",
)


@functools.cache
def _optimum_of_standardized():
    wine = data.wine()
    x, y = wine.x_train.double(), (wine.y_train == 0).double()

    def fitted(features):
        features = torch.cat([features, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
        return features @ torch.linalg.lstsq(features, y[:, None], driver="gelsd").solution

    before, after = fitted(x), fitted(standardize(x, x))
    return OPTIMA[1] if (before - after).abs().max() < 1e-6 else OPTIMA[0]


lab.prediction(
    "optimum_of_standardized",
    title="Predict: what a linear model can express",
    statement="""A linear model *with an intercept* is fitted by least squares, once to the raw
features of the wines and once to the standardized ones, both times exactly (not by gradient
descent). The predictions of the second are …""",
    minutes=1,
    syllabus=("3.6",),
    choices=OPTIMA,
    outcome=_optimum_of_standardized,
    explanation="""Every linear function of the standardized features is one of the raw features
with other weights. What changes is the way there, not what can be reached.""",
)

STEPS = ("about as many", "ten times as many", "a hundred times as many", "more than a thousand times as many")  # fmt: skip


@functools.cache
def _steps_on_raw_features():
    wine = data.wine()
    x, y = wine.x_train.double(), (wine.y_train == 0).double()
    counts = []
    for features in (x, standardize(x, x)):
        features = torch.cat([features, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
        rate = float(largest_stable_rate(features)) / 2
        found = gradient_descent_steps(features, y, rate, tolerance=0.01, max_steps=20_000)
        counts.append(found)
    ratio = counts[0] / counts[1]
    return STEPS[sum(ratio > limit for limit in (3, 30, 1000))]


lab.prediction(
    "steps_on_raw_features",
    title="Predict: how much longer?",
    statement="""Least squares on the 13 measurements of the wines (and an intercept), by gradient
descent from zero, once on raw and once on standardized features, each at half of *its own* largest
stable rate. Until 1 % of the excess over the optimal loss is left, how many steps do the raw features
need, compared with the standardized ones?""",
    minutes=2,
    syllabus=("3.6",),
    choices=STEPS,
    outcome=_steps_on_raw_features,
    explanation="""The number of steps grows like the condition number of the Hessian, which is in
the hundreds of millions for the raw features and below a hundred for the standardized ones.""",
)

CENTERED_ONLY = (
    "both learn about equally well",
    "only the network on standardized pixels learns",
    "only the network on centered pixels learns",
    "neither learns",
)


@functools.cache
def _centered_bytes():
    clothes = data.fashion_mnist(600, 1)
    pixels = clothes.x_train.flatten(1) * 255
    centered = pixels - pixels.mean()
    learns = []
    with torch.random.fork_rng(devices=[]):
        for x in (centered, centered / pixels.std()):
            torch.manual_seed(0)
            model = torch.nn.Sequential(
                torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
            )
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
            for step in range(120):
                batch = torch.arange(40) + 40 * (step % 15)
                loss = torch.nn.functional.cross_entropy(model(x[batch]), clothes.y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                right = (model(x).argmax(dim=1) == clothes.y_train).float().mean()
            learns.append(bool(right > 0.5))
    return CENTERED_ONLY[{(True, True): 0, (False, True): 1, (True, False): 2}.get(tuple(learns), 3)]  # fmt: skip


lab.prediction(
    "centered_bytes",
    title="Predict: “for images: center only”",
    statement="""The notes: *“For images: center only; the pixels share one scale already.”* Take
photographs of clothes with pixels from 0 to 255, and the same small network twice, with the same
starting weights and the same learning rate of 0.05: once on pixels that are only centered, once on
pixels that are also divided by their standard deviation, 90. What will be seen?""",
    minutes=2,
    syllabus=("3.2", "3.6"),
    choices=CENTERED_ONLY,
    outcome=_centered_bytes,
    explanation="""Inputs 90 times as large make the curvature of the loss, in the first layer's
weights, 8100 times as large. The rate that is right for the one is far beyond stability for the
other. One scale for all pixels is good; it also has to be a scale that fits the learning rate and
the initialization.""",
)

lab.written(
    "sentences_of_the_notes",
    points=3,
    title="Reflect: three sentences of the lecture notes",
    statement="""Correct three sentences that you may find in notes on this subject. Write two to
four sentences for each: what is right about it, what is wrong, and **which experiment of this lab,
with which number, shows it**.

1. *“For images: center only.”*
2. *“ResNet divides by the standard deviation, VGG does not.”* (For this one a look into the papers
   takes the place of the experiment: VGG, Section 2.1; ResNet, Section 3.4.)
3. *“Normalized features let a linear model express more.”*""",
    minutes=8,
    difficulty=2,
    syllabus=("3.1", "3.2", "3.6"),
    explanation="""**Model answer.** (1) Right: pixels share one unit, so there is no millimeter
beside a kilogram, and dividing each pixel by its own σ even hurt the digits (96 % before, 94 %
after). Wrong: the common scale still matters. Pixels from 0 to 255 that were only centered left the
network at chance at a rate of 0.05 (11 %), and the same network on pixels divided by σ learned
(78 %). A rate fifty times smaller does as well (73 %), but nobody's defaults are made for it.
Per-channel mean and standard deviation are the standard today; “center only” is dated.
(2) Right for later practice: today's published ResNets come with a mean and a standard deviation per
channel. Wrong for the papers: VGG subtracts the mean RGB value, three numbers; the ResNet paper
follows AlexNet and subtracts the mean *image*, “with the per-pixel mean subtracted”, and divides by
nothing.
(3) Wrong: with an intercept the exact optimum predicts the same from raw and from standardized
features, and `fold_standardization` writes the one layer as the other. Right is that the optimum is
*reached* faster: the condition number fell from hundreds of millions to below a hundred, and the
steps from 164 million to 15. (With a penalty on the weights the optimum does
change.)

**Rubric.** One point for each sentence: half for the correction, half for the number of an own
experiment (for sentence 2: for what the papers do, mean RGB against mean image). Give the point in
(1) also to answers that say “with pixels in [0, 1] centering alone is nearly enough”, if they name
the common scale as the reason.""",
)

NOT_EXERCISES: dict[str, str] = {
    "3.2 assuming that standardization always helps": "prediction standardized_digits and the "
    "experiment behind it; whitened_variance says what happens to noise",
    "3.3 comparing signs": "a fault of a test, not of an answer: the checks of pca and "
    "pca_whitening compare projectors and covariances",
    "3.4 believing that standardization decorrelates": "prediction correlation_of_standardized; as "
    "code it is the mistake only_scaled of pca_whitening",
    "3.6 normalization changes what a linear model can express": "prediction "
    "optimum_of_standardized, fold_standardization and the reflection",
    "3.6 measuring sensitivity at one random weight": "the experiments compare condition numbers, "
    "largest stable rates and numbers of steps, none of which depends on a weight",
    "3.7 normalizing twice": "diagnose_normalization, with which the notebook raises an error",
    "3.7 constants of BGR and RGB swapped": "diagnose_normalization and the pictures beside it",
    "ResNet divides by std, VGG does not": "the reflection: what a paper did is no function",
}
"""Entries of the syllabus that are no mistake of an exercise, and what became of them."""
