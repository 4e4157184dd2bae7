"""The region of interest and the composite."""
