"""The running program: command line, editor, jobs, workspace, server."""

import os

# Threads of torch that wait for each other spin by default. With a job, a click and a decoder at work on two cores, that made a frame of
# tracking take 3 s instead of 0.2 s. The runtime reads this once, when torch is loaded, which is never before this package.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
