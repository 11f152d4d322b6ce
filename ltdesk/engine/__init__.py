"""What computes: datasets, kernels, executors, storage. Knows no Qt."""
