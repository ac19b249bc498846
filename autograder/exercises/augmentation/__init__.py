"""Lab 9, data augmentation: images that are other images and show the same.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.augmentation.lab import lab

lab.gather(
    __name__,
    "flipping",
    "boxes",
    "cutting",
    "turning",
    "mixing",
    "views",
    "questions",
    "moving",
    "shearing",
    "lenses",
    "crops",
    "sizes",
    "holes",
    "colors",
    "frozen",
)
