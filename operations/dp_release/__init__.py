"""What is released for anyone, under differential privacy."""
