"""What is there and what is missing, before any long work: data set, weights, model."""
