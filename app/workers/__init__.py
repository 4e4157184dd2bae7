"""Work of the models on other processes and machines, by way of Ray."""
