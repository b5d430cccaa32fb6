"""What the functions do, step by step, over the adapters that they are given."""
