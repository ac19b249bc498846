"""The reflection of the core, and what is no exercise."""

from autograder.exercises.regularization.lab import lab

lab.written(
    "three_sentences_on_noise",
    points=3,
    title="Reflect: three sentences about regularization",
    statement=(
        "Correct these three sentences, each in two to four sentences of your own, with a number that "
        "**you** saw in this notebook:\n\n"
        "1. “Weight decay is another word for an L2 penalty.”\n"
        "2. “At test time, multiply by the dropout probability.”\n"
        "3. “Without dropout the network gives the average of all its subnetworks.”"
    ),
    minutes=8,
    syllabus=("8.4", "8.5", "8.7"),
    explanation=(
        "1. For plain SGD they are the same step. Under Adam a penalty of 0.1 and one of 0.001 moved the weight "
        "equally far, to 0.81; AdamW's decay kept to λ.\n"
        "2. By the probability of *keeping*, 1 − p, and only if training did not divide by it. With p = 0.25 the "
        "mean in training is 7.5 of 10 without the division; times 0.25 evaluation would give 2.5.\n"
        "3. Only for a linear function (difference 0); with a ReLU the scaled pass was off.\n\n"
        "*Rubric.* 1 point for each sentence: corrected, and supported by a number of one's own."
    ),
)

NOT_EXERCISES = {
    "8.1 includes biases": "`training_loop/regularized_loss` and `optimizers/decay_groups` decide which "
    "parameters are penalized; here the caller has decided",
    "8.2 expects exact zeros from subgradient steps": "prediction `exact_zeros`, then counted",
    "8.4 Adam with a penalty against AdamW": "`optimizers/AdamW` is the update; here the prediction "
    "`strength_under_adam`, and a figure",
    "8.4 “L1/L2 not common for neural networks”": "said in the text, with the recipes of today",
    "8.6 p = 0 and p = 1": "p = 1 is refused by the validation that students are given; p = 0 is tested in the "
    "library, for a random number may be exactly 0 once in 2^24",
    "8.6 backward with a fresh mask": "mistake `a_fresh_mask` of `dropout_backward`",
    "8.7 the scaled pass believed exact": "prediction `where_it_is_exact`, and mistake `scaled_pass`",
    "8.7 Monte Carlo": "drawn beside the exact average in the notebook: an estimate cannot be judged as "
    "sharply as the average itself",
    "8.7 logits and probabilities confused": "`ensemble_averages` asks for both",
    "8.8 “dropout only occurs in fully connected layers”": "`channel_dropout`, and a convolution in the notebook",
    "8.9 2^n masks, one set of weights": "mistake `n_models` of `average_over_masks`; the notebook counts both",
    "8.12 random sequences of steps": "which of few orders came can be guessed too well; the pseudorandom ones "
    "are exact",
    "8.13 the training loss instead of the validation loss": "which number is passed is the caller's",
    "8.14 noise grows with the batch": "prediction `noise_of_company`, then measured",
}
"""Entries of the syllabus that no student is asked to write."""
