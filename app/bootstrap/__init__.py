"""The first start: makes the environment that the program runs in. Standard library only."""
