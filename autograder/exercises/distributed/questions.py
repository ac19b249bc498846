"""The reflection of the core, and what is no exercise."""

from autograder.exercises.distributed.lab import lab

lab.written(
    "three_sentences_on_workers",
    points=3,
    title="Reflect: three sentences about many workers",
    statement=(
        "Correct these three sentences, each in two or three sentences of your own, with a number that **you** saw in "
        "this notebook:\n\n"
        "1. “In data parallelism the workers exchange the sum of their gradients, and everybody steps by it.”\n"
        "2. “Model parallelism is a bad idea.”\n"
        "3. “With k times the batch, use k times the rate.”"
    ),
    minutes=6,
    syllabus=("12.1", "12.5", "12.8"),
    explanation=(
        "1. By the *mean over all examples*: a sum of means makes the step longer with every worker; with unequal shards "
        "each mean is weighted with its count. With 7 and 3 examples the plain mean of means was off by 27 %.\n"
        "2. Layers on four devices are not faster than on one (75 % idle), but they *fit*; with 8 micro-batches 27 % are "
        "idle, with 32 only 9 %.\n"
        "3. For SGD, while the gradient changes little: the discrepancy was half of the way at a rate of 0.4, and 5 % at "
        "0.025. With 16 times the batch and the rate MNIST-1D fell from 91 % to 63 %; with warm-up it was 84 %. For Adam it "
        "is √k.\n\n"
        "*Rubric.* 1 point for each sentence: corrected, and supported by a number of one's own."
    ),
)

NOT_EXERCISES = {
    "12.2 padding examples counted (DistributedSampler)": "mistake `pads` of `shard`; DistributedSampler is counted in "
    "the notebook",
    "12.4 BatchNorm sees micro-batches": "no fault of the accumulation: said in the text, and shown where statistics are "
    "synchronized",
    "12.5 applied with summed losses": "exercise `training_loop/learning_rate_for_sum` of lab 1",
    "12.5 believed universal": "prediction `sixteen_times`, then measured",
    "12.6 ramp per worker": "the rate is a function of the step alone, the same for whoever asks",
    "12.7 only rank 0's running statistics are saved": "said in the text: DistributedDataParallel hands out rank 0's "
    "buffers before every forward pass",
    "12.8 “a bad idea”": "the written question, with numbers out of the timetable",
    "12.8 activations moved but labels not": "one device in the box; a wrong device raises by itself",
    "12.10 schedule length not rescaled": "exercise `schedules/rescale_for_batch_size` of lab 7",
}
"""Entries of the syllabus that no student is asked to write."""
