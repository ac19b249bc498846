"""The predictions of the core, the reflection after it, and what is no exercise."""

from autograder.exercises.augmentation.lab import lab

# Measured with two networks that had learned from 500 clothes, frozen, and a linear layer on their
# features that learned from 100 animals, two times each: mean accuracy on 1,500 test images
#     as they are 0.579, images mirrored too 0.668, features mirrored too 0.583
AFTER = (
    "mirroring the images and mirroring the features gain about the same",
    "mirroring the images gains several points, mirroring the features nothing",
    "mirroring the features gains several points, mirroring the images nothing",
)


def outcome_after() -> str:
    """Measured: 0.58 as they are, 0.67 with mirrored images, 0.58 with mirrored features."""
    return AFTER[1]


lab.prediction(
    "mirrored_features",
    title="Predict: mirrored images, mirrored features",
    statement=(
        "A linear layer learns ten kinds of animals from the frozen features of 100 images. It may also "
        "see the features of the *mirrored images*, or, cheaper, the *mirrored features* of the images: "
        "each 3 × 3 feature map flipped left and right. What do the two gain?"
    ),
    minutes=2,
    syllabus=("9.12",),
    choices=AFTER,
    outcome=outcome_after,
    explanation=(
        "The filters of a convolution are not symmetric: what answers to an edge on the left answers to "
        "none on the right. So the mirrored features of an image are those of no image at all, and the "
        "layer learns nothing from them about test images. Augmentation acts on images, and the "
        "extractor runs once for every view."
    ),
)

lab.written(
    "two_sentences",
    points=3,
    title="Reflect: two sentences about augmentation",
    statement=(
        "Correct these two sentences, each in three or four of your own, with a number that **you** saw "
        "in this notebook:\n\n"
        "1. “Augmentation is free data: it always helps.”\n"
        "2. “With a frozen network, extract the features once, and augment them.”"
    ),
    minutes=8,
    syllabus=("9.12",),
    explanation=(
        "1. It helps where it makes images that could have come: on 500 animals flips and warps gained "
        "about three points or more, on 500 clothes nothing. A mirrored digit is no digit, a box must "
        "move along, and validation images stay as they are.\n"
        "2. The features of a mirrored image are not the mirrored features: the network has never "
        "promised that. Images are augmented *before* the extractor, which then runs once for every "
        "view; what is stored once cannot be augmented later.\n\n"
        "*Rubric.* 1 point for each sentence corrected with a reason, 1 for numbers of one's own."
    ),
)

NOT_EXERCISES = {
    "9.1 used on digits and text": "shown: a mirrored digit and a mirrored badge",
    "9.2 padding value after normalization": "`preprocessing.padding_value` in lab 3; `random_crop` has "
    "`fill`",
    "9.9 black instead of the mean": "`cutout` comes after normalization and says so: 0 is the mean",
    "9.10 mixing the logits": "`mixup` has no network; its loss is `mixed_cross_entropy`",
    "9.12 validation data augmented": "`cutout` takes `training`, and the reflection asks for it",
    "9.12 workers that share a seed": "torch seeds its workers differently by itself; shown in Further",
}
"""Entries of the syllabus that no student is asked to write."""
