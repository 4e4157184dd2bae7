"""From a folder of videos to a data set."""
