"""Pictures: learning curves and computational graphs."""
