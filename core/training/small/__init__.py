"""The small models that ship: their recipes and networks."""
