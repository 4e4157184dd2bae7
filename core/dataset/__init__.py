"""A data set on disk: tars of clips and samples, and an index that is read lazily. docs/dataset.md
describes the format."""
