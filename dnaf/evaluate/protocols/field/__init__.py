"""The protocols of the field, each in the file of its name."""
