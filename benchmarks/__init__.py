"""What README's figures come from: `python -m benchmarks`, with public tools, against a floor in the same run."""
