"""A picture of a person's own on the clip: read, laid by its corners, carried, and fitted to the
light of the shot.
"""
