"""Pictures that are no digit: what the gate learns to refuse, and what it is measured on."""
