"""Protocols as frozen values, and what each of them shows the metrics."""
