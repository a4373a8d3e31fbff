"""The leaderboard as Markdown, CSV, JSON and LaTeX; scores by kinds of pairs."""
