"""Language models: one client a file, each doing one attempt a call."""
