"""The ready-made sets of parameters, and how params.yaml and the page of all parameters are written."""
