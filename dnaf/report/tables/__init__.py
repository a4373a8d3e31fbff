"""The leaderboard as Markdown, CSV, JSON and LaTeX."""
