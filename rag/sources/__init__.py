"""Sources: one adapter a file; each turns something that can be asked into cards and rows."""
