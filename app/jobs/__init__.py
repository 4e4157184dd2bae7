"""Long work that runs in the background, and what is known of it."""
