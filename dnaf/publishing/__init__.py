"""What is handed to others, and what they hand back: models, kits, scores."""
