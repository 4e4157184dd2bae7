"""What a person sees: one file per thing on the page.

Imports gradio and the document types, nothing heavier.
"""
