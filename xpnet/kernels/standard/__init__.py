"""The reference kernels: the array API standard and nothing else."""
