"""The images of all test pairs."""
