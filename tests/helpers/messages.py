"""What a command that was given something wrong says."""


def error_of(stderr: str) -> str:
    """The sentence that ends it: before it come the first line and perhaps progress, but no other error."""
    *before, last = stderr.splitlines()
    assert last.startswith("error: "), stderr
    assert not [line for line in before if line.startswith(("error", "Traceback"))], stderr
    return last
