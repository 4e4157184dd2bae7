"""The engine of VIVID Studio: everything that needs no screen. Never imports gradio."""
