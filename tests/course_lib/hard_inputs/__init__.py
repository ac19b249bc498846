"""Hard inputs: every technique with a counterpart in torch, at the edges of what numbers can hold.

A case names a reference, what torch has for it, and inputs in float64, which the test rounds to
each precision first. Values come apart where they are far out, close to zero or not finite, and
where two large ones leave a small difference.
"""

from tests.course_lib.hard_inputs.activations import ACTIVATIONS
from tests.course_lib.hard_inputs.augmentation import AUGMENTATION
from tests.course_lib.hard_inputs.distributed import DISTRIBUTED
from tests.course_lib.hard_inputs.normalization import NORMALIZATION
from tests.course_lib.hard_inputs.optimizers import OPTIMIZERS
from tests.course_lib.hard_inputs.preprocessing import PREPROCESSING
from tests.course_lib.hard_inputs.regularization import REGULARIZATION
from tests.course_lib.hard_inputs.training_loop import TRAINING_LOOP
from tests.course_lib.hard_inputs.transfer import TRANSFER

CASES = {
    "activations": ACTIVATIONS,
    "augmentation": AUGMENTATION,
    "distributed": DISTRIBUTED,
    "normalization": NORMALIZATION,
    "optimizers": OPTIMIZERS,
    "preprocessing": PREPROCESSING,
    "regularization": REGULARIZATION,
    "training_loop": TRAINING_LOOP,
    "transfer": TRANSFER,
}
"""The cases of each lab's module."""

NOT_COMPARED = {
    "counts, words and lists: nothing is rounded": """
        activations.maxout_parameters initialization.fan_in_and_fan_out
        initialization.distinct_units optimizers.decay_groups
        optimizers.classify_critical_points training_loop.minibatches
        training_loop.iterations_per_epoch training_loop.largest_batch_size
        training_loop.small_sample training_loop.gradient_verdicts training_loop.Checkpoint
        schedules.updates_per_schedule_step search.diagnose search.read_curves search.diverged_at
        search.best_run search.successive_halving search.grid
        regularization.EarlyStopping regularization.pooling_boundaries
        augmentation.scaled_size
        transfer.fine_tuning_groups transfer.train_with_frozen_layers
        capstone.conv_flops capstone.worth_keeping
        distributed.shard distributed.equal_budgets
    """,
    "in Python's float64, whatever the precision of the training": """
        activations.elu_mean activations.backward_bound initialization.gain
        initialization.default_linear_std normalization.effective_learning_rate
        optimizers.efficient_form optimizers.heavy_ball_settings training_loop.initial_loss
        training_loop.label_entropy training_loop.learning_rate_for_sum
        training_loop.passes_over_the_data training_loop.numeric_gradient
        schedules.constant schedules.noise_floor schedules.step_decay schedules.multi_step
        schedules.halve_every schedules.exponential schedules.gamma_of_half_life
        schedules.inverse_time schedules.steps_until schedules.linear schedules.cosine
        schedules.inverse_square_root schedules.inverse_square_root_with_warmup
        schedules.transformer_peak schedules.linear_warmup schedules.warmup_then_cosine
        schedules.token_fraction_decay schedules.ReduceOnPlateau
        schedules.rescale_for_batch_size schedules.milestones_in_new_epochs search.suggest_rate
        search.sweep_rates search.chance_of_top search.refine search.report_winner
        search.update_ratios search.epoch_mean
        regularization.sklearn_settings regularization.survival_probabilities
        transfer.variance_of_mean transfer.cyclic_cosine transfer.c_of_l2
        capstone.mean_gain capstone.paired_gain
        distributed.large_batch_options distributed.idle_share
    """,
    "random: the distribution is tested, not a number": """
        activations.selu_weights activations.alpha_dropout initialization.gaussian
        initialization.lecun_normal initialization.xavier_normal initialization.xavier_uniform
        initialization.kaiming_normal initialization.kaiming_uniform initialization.ResidualBlock
        search.log_uniform search.random_configs
        regularization.dropout regularization.original_dropout regularization.channel_dropout
        regularization.drop_connect regularization.stochastic_depth
        capstone.train
        augmentation.random_flip augmentation.random_boxes augmentation.mixup
        augmentation.random_crop augmentation.cutout
    """,
    "torch has no such function": """
        activations.maxout activations.maxout_backward activations.leaky_relu_as_maxout
        activations.saturated_fraction activations.gradients_over_depth
        activations.one_sided_fractions activations.dead_fraction activations.compare_paired
        activations.tuned_rates initialization.linear_output_variance
        initialization.relu_second_moment initialization.residual_variance
        initialization.layer_statistics initialization.weight_gradient_stds
        initialization.output_bias_gradient_at_zero normalization.identity_parameters
        normalization.fold_batch_norm optimizers.critical_learning_rates
        optimizers.minibatch_variance optimizers.newton_path optimizers.accumulated_gradient
        optimizers.sharpness preprocessing.reconstruct preprocessing.pca_whitening
        preprocessing.zca_whitening preprocessing.whitened_variance preprocessing.ImageNormalizer
        preprocessing.gradient_descent_steps preprocessing.curvature_along_mean
        preprocessing.fold_standardization preprocessing.padding_value
        preprocessing.pad_then_normalize preprocessing.diagnose_normalization
        training_loop.regularized_loss training_loop.relative_error training_loop.train_epoch
        training_loop.evaluate training_loop.precision_recall_f1 training_loop.macro_f1
        training_loop.overfit training_loop.neighbor_agreement search.smooth
        regularization.average_over_masks regularization.ensemble_averages
        regularization.proximal_step regularization.drop_connect_inference
        regularization.scatter_in_company
        distributed.pipeline_timetable
        augmentation.jitter_colors augmentation.ten_crop_average augmentation.augmented_features
        transfer.svm_head_loss
    """,
    "a network that is run or trained, bit for bit as torch does it": """
        transfer.recompute_statistics transfer.frozen_features transfer.snapshots
        transfer.head_first
    """,
    "what torch has for it runs in processes: held against it in test_distributed": """
        distributed.ring_all_reduce distributed.broadcast distributed.average_gradients
        distributed.train_accumulating distributed.train_data_parallel
    """,
    "torch resamples, on a grid that scipy's warps are held against": """
        augmentation.rotate augmentation.translate augmentation.stretch augmentation.shear
        augmentation.lens
    """,
}
"""Why a public name of a lab's module is not in the grid."""
