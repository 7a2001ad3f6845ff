"""What writing costs, beside what people use today."""
