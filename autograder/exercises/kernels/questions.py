"""The reflection of the core, and what is no exercise."""

from autograder.exercises.kernels.lab import lab

lab.written(
    "three_sentences_on_kernels",
    points=3,
    title="Reflect: three sentences about kernels",
    statement=(
        "Correct these three sentences, each in two or three sentences of your own, with a number that **you** saw in this "
        "notebook:\n\n"
        "1. “My kernel agrees with torch on every test, so it is right.”\n"
        "2. “Fusing kernels pays because it saves arithmetic.”\n"
        "3. “In the notebook my kernel takes a thousand times as long as torch, so it is a slow kernel.”"
    ),
    minutes=6,
    syllabus=("13.2", "13.7"),
    explanation=(
        "1. A comparison sees numbers in one order of programs and one state of memory. Without masks `out` was right and "
        "11 numbers of somebody else were overwritten; the sum by everybody was right, with a race at one address.\n"
        "2. The arithmetic stays; what it saves are loads and stores: 6 n numbers against 2 n for relu(x s + b), 4 N V "
        "against 2 N V for the cross-entropy. A GPU computes some 80 operations in the time of one float from memory.\n"
        "3. The interpreter is Python, a millisecond a program, and says nothing of speed. What it counts exactly are bytes: "
        "28 for each parameter of AdamW; divided by the memory's bandwidth they give the time on a GPU.\n\n"
        "*Rubric.* 1 point for each sentence: corrected, and supported by a number of one's own."
    ),
)

NOT_EXERCISES = {
    "13.1 more programs than blocks": "a case of every exercise",
    "13.2 a second read of what is there": "mistake `loads_twice` of every exercise, found by its bytes",
    "13.7 locks": "taught as what to avoid: sums in two stages need none",
}
"""Entries of the syllabus that no student is asked to write."""
