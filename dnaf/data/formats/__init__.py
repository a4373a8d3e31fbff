"""What a data set's files are called, and what is known of the published ones."""
