"""The verdict on an answer that is an object of this process."""

from autograder.judging import hidden, judge, observe


def verdict_on(exercise, answer, seed):
    """What the judge says of an answer on the inputs of a seed."""
    on = hidden(exercise, seed)
    return judge(exercise, on, observe(exercise, answer, on.drawn, seed))
