"""The running program: command line, editor, jobs, workspace, server."""

import os

# Threads of torch that wait for each other spin, by default for long. With a job, a click and a
# decoder at work on two cores, that made a frame of tracking take 3 s instead of 0.2 s; not
# spinning at all costs a quarter of the speed when nothing else runs. Counted in turns of GNU's
# OpenMP runtime, which reads this once, when torch is loaded: never before this package.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
