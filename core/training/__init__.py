"""The trainer: recipes, loop, export."""
