"""Scores of a method: results, protocol, metrics and networks joined."""
