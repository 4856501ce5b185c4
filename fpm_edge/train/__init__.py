"""Training: targets, loss, augmentation, pipeline, checkpoints and the loop (needs TensorFlow)."""
