"""Training: one engine per backend, the order of examples, optimizers, schedules, and who listens to the records."""
