"""The pool of pictures of real things that `small-sam2 pictures=FOLDER` learns from, made from
Debian packages (see docs/training.md).
"""
