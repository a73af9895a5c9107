"""A made-up street with exact truth: what the demo, the tests and the training see."""
