"""The reflection at the end of the core, and what is no exercise."""

from autograder.exercises.preprocessing.lab import lab

lab.written(
    "sentences_of_the_notes",
    points=3,
    title="Reflect: three sentences that one hears",
    statement="""Correct three sentences that people say about this subject. Write two to four
sentences for each: what is right about it, what is wrong, and **which experiment of this lab, with
which number, shows it**.

1. *“Standardizing never hurts: every feature gets its say.”*
2. *“Test data are standardized with the mean and standard deviation of the test data.”*
3. *“Standardized features let a linear model express more.”*""",
    minutes=8,
    difficulty=2,
    syllabus=("3.2", "3.5", "3.6"),
    explanation="""**Model answer.** (1) Right where features come in units of their own: the nearest
neighbors of the wines went from 74 % to 97 %, because the unit of proline no longer decides. Wrong
where features share one scale, and how little one varies says that it matters little: the digits went
from 96.4 % down to 93.6 %, because a speck of ink in a pixel that is nearly always empty became a
value of up to 38.
(2) Right is that the test data are scaled as well. Wrong are the constants: they are fitted, and come
from the training data. With its own constants a single wine is all zeros, whatever it is, and
photographs that were darker by 40 % came out with mean 0.00, like those at noon; with the training
constants their mean was −0.45. And what is predicted for one example must not depend on which others
come with it.
(3) Wrong: with an intercept the two exact optima predict the same, up to rounding (their largest
difference was near 10⁻¹⁴); dividing a feature can be undone by its weight. Right is that the
optimum is *reached* faster: the condition number fell from 470 million to 52, and the steps from 164
million to 15. (With a penalty on the weights the optimum does change.)

**Rubric.** One point for each sentence: half for the correction, half for the number of an own
experiment. In (2) either experiment will do, the single wine or the evening; in (3) the equal
predictions are needed, the steps alone give the half for the number.""",
)

NOT_EXERCISES: dict[str, str] = {
    "3.2 assuming that standardization always helps": "prediction standardized_digits and the "
    "reflection; whitened_variance says what happens to noise",
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
    "ResNet divides by std, VGG does not": "the notebook's text: what a paper did is no function",
}
"""Entries of the syllabus that are no mistake of an exercise, and what became of them."""
