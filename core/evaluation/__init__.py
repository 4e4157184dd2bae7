"""How good the models are: the measures, the suites that apply them, and the report that shows
them."""
