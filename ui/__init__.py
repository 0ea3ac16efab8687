"""The Gradio page: a pad to draw on, the model's answer, and the visitor's history."""
