"""What makes the video model faster on a GPU: levers, each a switch of its own."""
