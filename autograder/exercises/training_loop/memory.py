"""What the memory of a GPU limits."""

import math

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import training_loop


MEMORY = (
    "batches of twice the size",
    "twice as many images in the data set",
    "twice as many iterations to an epoch",
)


def outcome_for_memory() -> str:
    """Measured in the notebook: the bytes kept for the backward pass double with the batch."""
    return MEMORY[0]


lab.prediction(
    "memory_limit",
    title="Predict: a claim from the lecture notes",
    statement="""*"The size of an epoch is limited by the memory of the GPU."* You will measure how many
bytes torch keeps for the backward pass. Which of these changes doubles them?""",
    minutes=1,
    core=False,
    syllabus=("1.10",),
    choices=MEMORY,
    outcome=outcome_for_memory,
    explanation="""The notes mean the batch. Activations are kept for every example of the batch until
its backward pass, and are free before the next batch comes; how many batches follow, and what is called
an epoch, makes no difference to them.""",
)


def _machine(states, bytes_each):
    def draw(rng):
        parameters = int(rng.integers(10**7, 10**8))
        activations = int(rng.integers(10**4, 10**6))
        examples = int(rng.integers(40, 900)) + float(rng.uniform(0.6, 0.95))
        numbers = parameters * (2 + states) + examples * activations
        return {
            "memory": int(numbers * bytes_each),
            "parameters": parameters,
            "activations": activations,
            "states": states,
            "bytes_each": bytes_each,
        }

    return draw


largest_batch_size = lab.value(
    training_loop.largest_batch_size,
    title="What memory limits",
    statement="""*"The size of an epoch is limited by the memory of the GPU"*, a set of notes says. Work
out what is: during training the memory holds the parameters, a gradient for each, `states` numbers of
the optimizer for each (momentum keeps 1, Adam 2), and `activations` numbers for **each example of
the batch**, kept for the backward pass. Each number takes `bytes_each` bytes. How many examples may
a batch have, at most? (A whole number. Nothing else is kept.)

Which of N, E and B stands in your formula?""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("1.10",),
    hide=("Formula", "Source"),
    inputs=(_machine(2, 2), _machine(0, 4), _machine(1, 4), _machine(2, 4)),
    probe=probes.call(),
    checks=[matches_reference("the largest batch size")],
    hints=("What is there once, what once for each example?",),
)


@largest_batch_size.mistake(
    "The gradients are missing: one number for each parameter, beside the parameters."
)
def no_gradients(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * (1 + states)) // activations


@largest_batch_size.mistake("The optimizer's own numbers are missing: `states` for each parameter.")
def no_optimizer(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * 2) // activations


@largest_batch_size.mistake(
    "Gradients and the optimizer's numbers are missing: each parameter takes 2 + states numbers."
)
def weights_only(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters) // activations


@largest_batch_size.mistake(
    "`memory` is in bytes, everything else in numbers: divide by `bytes_each` first."
)
def bytes_for_numbers(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory - parameters * (2 + states)) // activations


@largest_batch_size.mistake(
    "What is left is in bytes, and you divide it by a number of activations. Each of them takes "
    "`bytes_each` bytes too."
)
def activations_counted_as_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory - bytes_each * parameters * (2 + states)) // activations


@largest_batch_size.mistake(
    "A batch has a whole number of examples, and what is not whole does not fit: round down."
)
def not_rounded_down(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory / bytes_each - parameters * (2 + states)) / activations


@largest_batch_size.mistake("You round up: the last example would not fit.")
def rounded_up(memory, parameters, activations, *, states=1, bytes_each=4):
    return math.ceil((memory / bytes_each - parameters * (2 + states)) / activations)


@largest_batch_size.mistake(
    "You count the parameters for every example. They are there once, for the whole batch."
)
def parameters_for_each_example(memory, parameters, activations, *, states=1, bytes_each=4):
    return memory // bytes_each // (parameters * (2 + states) + activations)


@largest_batch_size.mistake(
    "The parameters, their gradients and the optimizer's numbers take their place first."
)
def nothing_but_activations(memory, parameters, activations, *, states=1, bytes_each=4):
    return memory // bytes_each // activations


@largest_batch_size.mistake("You assume momentum; `states` says how many.")
def always_momentum(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // bytes_each - parameters * 3) // activations


@largest_batch_size.mistake("You assume float32; `bytes_each` says how many.")
def always_four_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    return (memory // 4 - parameters * (2 + states)) // activations


@largest_batch_size.alternative
def in_bytes(memory, parameters, activations, *, states=1, bytes_each=4):
    fixed = bytes_each * parameters * (2 + states)
    return (memory - fixed) // (bytes_each * activations)


@largest_batch_size.alternative
def by_floor(memory, parameters, activations, *, states=1, bytes_each=4):
    weights = gradients = parameters
    free = memory / bytes_each - weights - gradients - states * parameters
    return math.floor(free / activations)
