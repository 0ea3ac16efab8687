"""Pictures of what a model is not for: what the gate learns to refuse, and what others are measured on."""
