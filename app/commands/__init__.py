"""The command line: each subcommand, its arguments, and the folders it writes."""
