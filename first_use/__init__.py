"""The first start: making the environment that the program runs in. Standard library only, and nothing of the program itself."""
