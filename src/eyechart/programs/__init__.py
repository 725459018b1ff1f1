"""What a person types: one module per program; the files in `pipelines/` are their doors."""
