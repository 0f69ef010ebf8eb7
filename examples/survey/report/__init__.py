"""Writing a survey down: one self-contained HTML page, and the same facts as Markdown."""
