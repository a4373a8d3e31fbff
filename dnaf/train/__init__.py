"""Training: the loss, the step, the loop, checkpoints and logs."""
