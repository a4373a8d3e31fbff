"""Commands of the pretraining: one a stage of pretraining/dvc.yaml, in the order of its file."""
